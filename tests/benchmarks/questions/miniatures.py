"""Downloads of the published benchmarks, a few rows each, in their own layout: names of files, columns and keys."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from PIL import Image
from pyarrow import parquet

SIZE = (96, 64)  # width, height of every picture


def jpeg(seed: int, size: tuple[int, int] = SIZE) -> bytes:
    """The bytes of a picture of its own."""
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(out, "JPEG")
    return out.getvalue()


def image(seed: int) -> dict[str, Any]:
    """An image column as the `datasets` library stores it in parquet."""
    return {"bytes": jpeg(seed), "path": f"{seed}.jpg"}


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def cv_row(idx: int, kind: str, task: str, question: str, choices: list[str], answer: str, source: str, **more) -> dict:
    lettered = " ".join(f"({letter}) {choice}" for letter, choice in zip("ABCDEF", choices, strict=False))
    return {
        "idx": idx,
        "type": kind,
        "task": task,
        "image": image(idx),
        "question": question,
        "choices": choices,
        "answer": answer,
        "prompt": f"{question} Select from the following choices.\n{lettered}",
        "filename": f"img/{kind}/{task.lower()}/{idx}.png",
        "source": source,
        "source_dataset": f"{source} data set",
        "source_filename": f"{idx}.png",
        "target_class": more.get("target_class"),
        "target_size": list(SIZE),
        "bbox": more.get("bbox"),
    }


CLOSER = "Which object is closer to the camera taking this photo, the {} (highlighted by a red box) or the {}"
CLOSER += " (highlighted by a blue box)?"
LOW, HIGH = [10.0, 40.0, 40.0, 60.0], [50.0, 2.0, 90.0, 20.0]  # x0, y0, x1, y1: no x, y, width, height of this size


def cv_bench(folder: Path) -> Path:
    """Two of ADE20K, one of COCO, three depth orders: of two the nearer one is lower, of one it is higher."""
    flat = [
        cv_row(0, "2D", "Count", "How many chairs are in the image?", ["2", "0", "1", "3"], "(C)", "ADE20K"),
        cv_row(1, "2D", "Relation", "Where is the tree with respect to the car?", ["above", "below"], "(A)", "ADE20K"),
        cv_row(2, "2D", "Count", "How many organs are in the image?", ["0", "2", "1", "3"], "(D)", "COCO"),
    ]  # fmt: skip
    depth = [
        cv_row(3, "3D", "Depth", CLOSER.format("desk", "lamp"), ["desk", "lamp"], "(A)", "Omni3D",
               target_class=["desk", "lamp"], bbox=[LOW, HIGH]),
        cv_row(4, "3D", "Depth", CLOSER.format("lamp", "desk"), ["lamp", "desk"], "(A)", "Omni3D",
               target_class=["lamp", "desk"], bbox=[HIGH, LOW]),
        cv_row(5, "3D", "Distance", "Which object is closer to the bed, the desk or the lamp?", ["desk", "lamp"], "(B)",
               "Omni3D", target_class=["bed", "desk", "lamp"], bbox=[LOW, HIGH, LOW]),
    ]  # fmt: skip
    write_parquet(folder / "test_2d.parquet", flat)
    write_parquet(folder / "test_3d.parquet", depth)
    return folder


def blink_row(split: str, number: int, answer: str) -> dict[str, Any]:
    question = "Two points are circled on the image, labeled by A and B beside each circle. "
    question += "Which point is closer to the camera?"
    choices = ["A is closer", "B is closer"]
    return {
        "idx": f"{split}_Relative_Depth_{number}",
        "sub_task": "Relative_Depth",
        "question": f"{question}\nSelect from the following choices.",
        "image_1": image(number),
        "image_2": None,
        "image_3": None,
        "image_4": None,
        "choices": choices,
        "answer": answer,
        "prompt": f"{question}\nSelect from the following choices.\n(A) A is closer\n(B) B is closer",
        "explanation": "",
    }


def blink_depth(folder: Path) -> Path:
    """Two of val; test, whose answers are hidden; another task beside it."""
    val = [blink_row("val", 1, "(B)"), blink_row("val", 2, "(A)"), blink_row("val", 3, "hidden")]
    write_parquet(folder / "Relative_Depth" / "val-00000-of-00001.parquet", val)
    write_parquet(folder / "Relative_Depth" / "test-00000-of-00001.parquet", [blink_row("test", 1, "hidden")])
    write_parquet(folder / "Counting" / "val-00000-of-00001.parquet", [blink_row("val", 9, "(A)")])
    return folder


def rgpt_row(number: int, kind: str, category: str, question: str, answer: str, boxes: list, as_text: bool) -> dict:
    structures: dict[str, Any] = {
        "image_info": {"dataset": "SUNRGBD", "file_path": f"images/{number}.jpg", "height": SIZE[1], "width": SIZE[0]},
        "qa_info": {"type": kind, "category": category, "class": ["chair", "desk"]},
        "conversations": [{"from": "human", "value": question}, {"from": "gpt", "value": answer}],
        "bbox": boxes,
        "rle": [{"size": list(reversed(SIZE)), "counts": "0"}] * len(boxes),
    }
    stored = {key: json.dumps(value) if as_text else value for key, value in structures.items()}
    return {"id": f"{kind}_{number}", "text_q": question, "file_path": f"images/{number}.jpg", **stored}


TWO = [[50, 2, 90, 20], [10, 40, 40, 60]]  # Region [0] is the higher one
RGPT = [
    ("quantitative", "height_data", "What is the height of Region [0]?",
     "The height of Region [0] is 6.91 feet.", TWO[:1]),
    ("quantitative", "distance_data", "How far is Region [0] from Region [1]?",
     "Region [0] and Region [1] are 25.0 inches apart.", TWO),
    ("quantitative", "direction", "If you are at Region [0], where will you find Region [1]?",
     "Region [0] will find Region [1] around the 12 o'clock direction.", TWO),
    ("qualitative", "behind_predicate", "Is Region [0] behind Region [1]?", "Yes, it is behind Region [1].", TWO),
    ("qualitative", "behind_predicate", "Does Region [0] lie behind Region [1]?", "That is False.", TWO),
    ("qualitative", "thin_predicate", "Is Region [0] thinner than Region [1]?",
     "In fact, Region [0] might be wider or the same width as Region [1].", TWO),
    ("qualitative", "tall_choice", "Who is taller, Region [0] or Region [1]?", "With more height is Region [1].", TWO),
]  # fmt: skip


def spatialrgpt_bench(folder: Path, as_text: bool = True) -> Path:
    """The data set's viewer stores structures as text; the pictures are in the table."""
    rows = [rgpt_row(i, *row, as_text=as_text) | {"image": image(i)} for i, row in enumerate(RGPT)]
    write_parquet(folder / "data" / "val-00000-of-00001.parquet", rows)
    return folder


def spatialrgpt_json(folder: Path) -> Path:
    """The same as a JSON list, pictures beside it."""
    (folder / "images").mkdir(parents=True)
    for i in range(len(RGPT)):
        (folder / "images" / f"{i}.jpg").write_bytes(jpeg(i))
    rows = [rgpt_row(i, *row, as_text=False) for i, row in enumerate(RGPT)]
    (folder / "bench_v1.json").write_text(json.dumps(rows))
    return folder


def q_spatial(folder: Path) -> Path:
    """One picture with two questions; ScanNet's picture is rendered beside the table."""

    def row(question: str, value: float, unit: str, kind: str, path: str, picture: Any) -> dict[str, Any]:
        return {
            "question": question,
            "answer_value": value,
            "answer_unit": unit,
            "question_type": kind,
            "image_path": path,
            "image": picture,
        }

    plus = [
        row("What is the minimum distance between the two stools?", 96.0, "centimeters", "object_to_object", "a.jpg",
            image(1)),
        row("What is the height of the lamp?", 20.0, "inches", "object_height", "a.jpg", image(1)),
    ]  # fmt: skip
    scannet = [row("How wide is the door?", 3.0, "feet", "object_width", "scannet_images/scene0000/5.jpg", None)]
    scannet.append({**scannet[0], "image_path": "scannet_images/not_rendered.jpg", "image": None})
    write_parquet(folder / "data" / "QSpatial_plus-00000-of-00001.parquet", plus)
    write_parquet(folder / "data" / "QSpatial_scannet-00000-of-00001.parquet", scannet)
    (folder / "scannet_images" / "scene0000").mkdir(parents=True)
    (folder / "scannet_images" / "scene0000" / "5.jpg").write_bytes(jpeg(5))
    return folder


ABSOLUTE = "Measuring from the closest point of each object, what is the distance between the sofa and the stove"
EASY = "If I am standing by the stove and facing the tv, is the sofa to the left or the right of the tv?"
HARD = "If I am standing by the sofa and facing the stove, is the tv to my front-left, front-right, back-left, or"
ROUTE = "You are a robot beginning at the door. Which way do you turn?"
VSI = [
    ("object_counting", "How many table(s) are in this room?", None, "4"),
    ("object_abs_distance", f"{ABSOLUTE} (in meters)?", None, "3.7"),
    ("object_rel_direction_easy", EASY, ["A. right", "B. left"], "B"),
    ("object_rel_direction_hard", f"{HARD} back-right?", ["A. front-left", "B. back-left", "C. back-right"], "C"),
    ("route_planning", ROUTE, ["A. Turn Left", "B. Turn Right"], "A"),
]


def vsi_bench(folder: Path, frames: int = 20) -> Path:
    """All questions about one scene, its frames in a folder: red grows from frame to frame."""
    rows = [
        {
            "id": i,
            "dataset": "arkitscenes",
            "scene_name": "41069025",
            "question_type": kind,
            "question": question,
            "options": options,
            "ground_truth": truth,
        }
        for i, (kind, question, options, truth) in enumerate(VSI)
    ]
    write_parquet(folder / "test-00000-of-00001.parquet", rows)
    scene = folder / "arkitscenes" / "41069025"
    scene.mkdir(parents=True)
    for i in range(frames):
        Image.new("RGB", (64, 64), (10 * i, 0, 0)).save(scene / f"{i:04}.png")
    return folder


SPATIALBENCH = {
    "existence": [("Is there a cup? Answer Yes or No.", "Yes"), ("Is there no cup? Answer Yes or No.", "No")],
    "counting": [("How many cups are there? Answer with a number.", "4"), ("How many plates are there?", "2")],
    "positional": [("Which is nearer? A. cup B. plate", "A")],
    "reach": [("Does the hand touch the cup?", "Yes"), ("Is the hand away from the cup?", "No")],
    "size": [("Is the cup larger than the plate?", "No"), ("Is the cup smaller than the plate?", "Yes")],
}


def spatialbench(folder: Path) -> Path:
    """Five JSON lists and a folder of pictures for each; one picture given as a list of one."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, questions in SPATIALBENCH.items():
        (folder / kind).mkdir()
        (folder / kind / "1.jpg").write_bytes(jpeg(len(kind)))
        rows = [
            {"id": f"{kind}_{i}", "image": f"{kind}/1.jpg" if i else [f"{kind}/1.jpg"], "question": q, "answer": a}
            for i, (q, a) in enumerate(questions)
        ]
        (folder / f"{kind}.json").write_text(json.dumps(rows))
    return folder


def embspatial_row(number: int, relation: str, question: str, options: list[str], answer: int, boxes: list) -> dict:
    objects = [{"bbox": box, "name": name} for name, box in zip(options, boxes, strict=False)]
    return {
        "question_id": f"mp3d_{number}",
        "question": question,
        "image": base64.b64encode(jpeg(number // 2)).decode(),
        "relation": relation,
        "data_source": "mp3d",
        "objects": objects,
        "answer_options": options,
        "answer": answer,
    }


def embspatial(folder: Path) -> Path:
    """x, y, width, height boxes; rows about one picture follow each other."""
    things = ["window", "chair", "picture", "sofa"]
    boxes = [[5, 0, 10, 10], [20, 45, 10, 15], [40, 5, 10, 10], [60, 40, 30, 20]]
    relations = ["The window is above the chair.", "The window is below the chair.", "It is left.", "It is right."]
    rows = [
        embspatial_row(0, "far", "Which object is the farthest from you?", things, 0, boxes),
        embspatial_row(1, "close", "Which object is the closest to you?", things, 2, boxes),
        embspatial_row(2, "above", "Where is the window with respect to the chair?", relations, 0, []),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "embspatial_bench.json").write_text(json.dumps(rows))
    (folder / "embspatial_sft.json").write_text(json.dumps(rows[:1]))
    return folder


WRITERS = {
    "cv-bench": cv_bench,
    "blink-depth": blink_depth,
    "spatialrgpt-bench": spatialrgpt_bench,
    "q-spatial": q_spatial,
    "vsi-bench": vsi_bench,
    "spatialbench": spatialbench,
    "embspatial": embspatial,
}
