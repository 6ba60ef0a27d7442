"""The 697 photographs of KITTI's Eigen test split, as drive -> runs of frames (first, last, step) without `missing`.

D. Eigen, C. Puhrsch, R. Fergus, "Depth Map Prediction from a Single Image using a Multi-Scale Deep Network", 2014:
about 25 evenly spaced frames of each of 28 drives. The list that all later work evaluates on, written as its runs.
"""

RUNS: dict[str, tuple[list[tuple[int, int, int]], list[int]]] = {
    "2011_09_26_drive_0002_sync": ([(0, 75, 3)], [66]),
    "2011_09_26_drive_0009_sync": ([(0, 176, 16), (196, 388, 16)], []),
    "2011_09_26_drive_0013_sync": ([(0, 140, 5)], [15, 25, 55, 75]),
    "2011_09_26_drive_0020_sync": ([(0, 84, 3)], [24, 30, 39, 81]),
    "2011_09_26_drive_0023_sync": ([(18, 468, 18)], [234]),
    "2011_09_26_drive_0027_sync": ([(0, 182, 7)], [105, 154]),
    "2011_09_26_drive_0029_sync": ([(0, 196, 14), (268, 408, 14)], [282]),
    "2011_09_26_drive_0036_sync": ([(0, 800, 32)], [736]),
    "2011_09_26_drive_0046_sync": ([(0, 120, 5)], []),
    "2011_09_26_drive_0048_sync": ([(0, 21, 1)], []),
    "2011_09_26_drive_0052_sync": ([(0, 52, 2)], [24, 34]),
    "2011_09_26_drive_0056_sync": ([(11, 286, 11)], [132]),
    "2011_09_26_drive_0059_sync": ([(0, 238, 14), (274, 372, 14)], [168]),
    "2011_09_26_drive_0064_sync": ([(0, 550, 22)], [132]),
    "2011_09_26_drive_0084_sync": ([(49, 374, 13)], [166]),
    "2011_09_26_drive_0086_sync": ([(7, 682, 27)], [547]),
    "2011_09_26_drive_0093_sync": ([(0, 256, 16), (305, 417, 16)], []),
    "2011_09_26_drive_0096_sync": ([(0, 456, 19)], []),
    "2011_09_26_drive_0101_sync": ([(80, 930, 34)], [250]),
    "2011_09_26_drive_0106_sync": ([(15, 15, 1), (35, 219, 8)], []),
    "2011_09_26_drive_0117_sync": ([(0, 650, 26)], [520]),
    "2011_09_28_drive_0002_sync": ([(0, 90, 3)], [15, 27, 42, 66, 69, 75]),
    "2011_09_29_drive_0071_sync": ([(0, 612, 36), (735, 951, 36), (1054, 1054, 1)], [843]),
    "2011_09_30_drive_0016_sync": ([(0, 275, 11)], [99]),
    "2011_09_30_drive_0018_sync": ([(0, 2247, 107), (2419, 2740, 107)], [321]),
    "2011_09_30_drive_0027_sync": ([(0, 656, 41), (753, 958, 41), (1040, 1081, 41)], []),
    "2011_10_03_drive_0027_sync": ([(0, 543, 181), (734, 2001, 181), (2363, 4535, 181)], []),
    "2011_10_03_drive_0047_sync": ([(0, 800, 32)], [256]),
}


def eigen_frames() -> dict[str, list[int]]:
    """Drive -> its frame numbers, ascending."""
    return {
        drive: [n for first, last, step in runs for n in range(first, last + 1, step) if n not in missing]
        for drive, (runs, missing) in RUNS.items()
    }
