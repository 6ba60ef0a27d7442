"""ScanNet++'s depth.bin: a film of 192x256 depth maps in one of three encodings.

Source: the official iphone/prepare_iphone_data.py, function extract_depth.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SHAPE = (192, 256)
PIXELS = SHAPE[0] * SHAPE[1]


def depth_frames(path: Path, every: int = 1) -> Iterator[tuple[int, np.ndarray]]:
    """(number, (192, 256) float32 metres, nan = none) of every `every`-th frame; ValueError for anything else.

    One raw-deflate stream of float32 metres; or, frame by frame, a 4-byte little-endian length and then LZ4 (block)
    of 16-bit millimetres or raw deflate of float32 metres.
    """
    data = path.read_bytes()
    frames = _one_stream(data, every) if _is_one_stream(data) else _frame_by_frame(data, every)
    for number, metres in frames:
        metres = metres.astype(np.float32).reshape(SHAPE)
        yield number, np.where(metres > 0, metres, np.nan).astype(np.float32)


def _is_one_stream(data: bytes) -> bool:
    """Whether raw deflate gives at least one frame from the first byte on."""
    try:
        return len(zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, PIXELS * 4)) == PIXELS * 4
    except zlib.error:
        return False


def _one_stream(data: bytes, every: int) -> Iterator[tuple[int, np.ndarray]]:
    """Inflated frame by frame, so that a film of gigabytes never lies in memory as a whole."""
    stream, rest, number = zlib.decompressobj(-zlib.MAX_WBITS), data, 0
    waiting = bytearray()
    while rest and not stream.eof:
        waiting += stream.decompress(rest, PIXELS * 4)
        rest = stream.unconsumed_tail
        while len(waiting) >= PIXELS * 4:
            if number % every == 0:
                yield number, np.frombuffer(bytes(waiting[: PIXELS * 4]), "<f4")
            del waiting[: PIXELS * 4]
            number += 1


def _frame_by_frame(data: bytes, every: int) -> Iterator[tuple[int, np.ndarray]]:
    position = number = 0
    while position < len(data):
        length = int.from_bytes(data[position : position + 4], "little")
        body = data[position + 4 : position + 4 + length]
        if not length or len(body) < length:
            raise ValueError(f"frame {number} is cut off")
        if number % every == 0:
            yield number, _one_frame(body, number)
        position, number = position + 4 + length, number + 1


def _one_frame(body: bytes, number: int) -> np.ndarray:
    import pyarrow

    try:
        plain = pyarrow.decompress(body, PIXELS * 2, codec="lz4_raw", asbytes=True)
        return np.frombuffer(plain, "<u2") / 1000
    except (OSError, pyarrow.ArrowException):
        pass
    try:
        plain = zlib.decompress(body, -zlib.MAX_WBITS)
    except zlib.error as problem:
        raise ValueError(f"frame {number} is neither LZ4 nor deflate") from problem
    if len(plain) != PIXELS * 4:
        raise ValueError(f"frame {number} has {len(plain)} bytes, not {PIXELS * 4}")
    return np.frombuffer(plain, "<f4")
