"""Coloured points and meshes on disk.

    points.ply     coloured points, camera frame         write_points_ply
    points.glb     coloured points, glTF's frame         write_points_glb
    mesh.glb       coloured triangles, glTF's frame      write_mesh_glb

Two frames, both in metres. The camera frame (OpenCV: x right, y down, z forward) is kept in PLY, whose
readers assume nothing. glTF fixes +y up with the viewer looking along -z, so GLB files hold (x, -y, -z).
Each file says so inside. The bytes are laid out here rather than by trimesh, which stores 8-bit colours only
and no empty scene; that also leaves trimesh as the independent reader the tests use.
"""

from __future__ import annotations

import json
import os
import struct

import numpy as np

from heads.errors import InputError
from vlm.files import replacing

GLTF_NOTE = "metres; glTF axes (x right, y up, z backward) = camera frame (x, -y, -z)"
PLY_NOTE = "metres; camera frame, OpenCV axes: x right, y down, z forward"


def write_points_ply(path: str | os.PathLike, points: np.ndarray, colours: np.ndarray) -> None:
    """points (N, 3) metres, camera frame kept, with colours (N, 3) uint8, as a binary PLY. N may be 0."""
    points, colours = _checked_points(points, colours)
    rows = np.empty(len(points), [("xyz", "<f4", 3), ("rgb", "u1", 3)])
    rows["xyz"], rows["rgb"] = points, colours
    properties = "".join(f"property float {axis}\n" for axis in "xyz")
    properties += "".join(f"property uchar {name}\n" for name in ("red", "green", "blue"))
    header = (
        f"ply\nformat binary_little_endian 1.0\ncomment {PLY_NOTE}\n"
        f"element vertex {len(points)}\n{properties}end_header\n"
    )
    with replacing(path) as temporary:
        temporary.write_bytes(header.encode("ascii") + rows.tobytes())


def write_points_glb(path: str | os.PathLike, points: np.ndarray, colours: np.ndarray) -> None:
    """points (N, 3) metres, camera frame, with colours (N, 3) uint8 sRGB, as GLB in glTF's frame."""
    points, colours = _checked_points(points, colours)
    _write_glb(path, points, colours, faces=None)


def write_mesh_glb(path: str | os.PathLike, vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray) -> None:
    """Triangles as GLB in glTF's frame: vertices (N, 3) metres in the camera frame, colours (N, 3) uint8
    sRGB, faces (M, 3) vertex numbers, counter-clockwise seen from their front."""
    vertices, colours = _checked_points(vertices, colours)
    faces = np.asarray(faces)
    if faces.ndim != 2 or faces.shape[1] != 3 or (faces.size and not 0 <= faces.min() <= faces.max() < len(vertices)):
        raise InputError("faces", f"shape {faces.shape}", f"(M, 3), each a number of one of {len(vertices)} vertices")
    _write_glb(path, vertices, colours, faces)


def _write_glb(path: str | os.PathLike, points: np.ndarray, colours: np.ndarray, faces: np.ndarray | None) -> None:
    """One binary glTF 2.0 file (Khronos specification, 4.4 "GLB file format").

    Colours: glTF's COLOR_0 is linear light, so sRGB is decoded (IEC 61966-2-1), into floats because 8 linear
    bits band in the shadows. The material is unlit (KHR_materials_unlit): the photograph holds its own light.
    Turning the frame by half a turn about x keeps the winding. No point: a valid file with an empty scene.
    """
    positions = (points * np.array([1, -1, -1], np.float32)).astype("<f4")
    share = colours.astype(np.float32) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4).astype("<f4")

    tree: dict = {
        "asset": {"version": "2.0", "generator": "fathom", "extras": {"fathom": GLTF_NOTE}},
        "scene": 0,
        "scenes": [{}],
    }
    binary = b""
    if len(points) and (faces is None or len(faces)):
        primitive: dict = {"attributes": {"POSITION": 0, "COLOR_0": 1}, "material": 0, "mode": 0}
        vector = {"componentType": 5126, "count": len(points), "type": "VEC3"}  # 5126 = float32
        limits = {"min": positions.min(0).tolist(), "max": positions.max(0).tolist()}
        accessors = [{"bufferView": 0, **vector, **limits}, {"bufferView": 1, **vector}]
        blocks, targets = [positions.tobytes(), linear.tobytes()], [34962, 34962]  # 34962 = vertex data
        if faces is not None:
            primitive |= {"mode": 4, "indices": 2}  # 4 = triangles
            accessors.append({"bufferView": 2, "componentType": 5125, "count": faces.size, "type": "SCALAR"})
            blocks.append(faces.astype("<u4").tobytes())
            targets.append(34963)  # 34963 = vertex numbers
        ends = np.cumsum([len(block) for block in blocks]).tolist()
        tree["scenes"] = [{"nodes": [0]}]
        tree |= {
            "extensionsUsed": ["KHR_materials_unlit"],
            "nodes": [{"mesh": 0}],
            "meshes": [{"primitives": [primitive]}],
            "materials": [{"extensions": {"KHR_materials_unlit": {}}, "doubleSided": True}],
            "accessors": accessors,
            "bufferViews": [
                {"buffer": 0, "byteOffset": end - len(block), "byteLength": len(block), "target": target}
                for block, end, target in zip(blocks, ends, targets, strict=True)
            ],
            "buffers": [{"byteLength": ends[-1]}],
        }
        binary = b"".join(blocks)  # whole float32 and uint32: always a multiple of 4 bytes, as GLB asks
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if binary:
        chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    with replacing(path) as temporary:
        temporary.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)


def _checked_points(points: np.ndarray, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points, colours = np.asarray(points, np.float32), np.asarray(colours)
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise InputError("points", f"shape {points.shape}", "(N, 3), finite metres")
    if colours.shape != points.shape or colours.dtype != np.uint8:
        raise InputError("colours", f"{colours.dtype} of shape {colours.shape}", f"uint8 {points.shape}")
    return points, colours
