"""Pictures for people: depth, its uncertainty and the rays, each with a scale one can read.

    depth_picture(depth_z)                 near = bright and warm, far = dark; a bar in metres
    uncertainty_picture(log_depth_scale)   bright = unsure; a bar in percent of the depth
    rays_picture(ray_directions)           lines of equal angle from the optical axis
    photograph_picture(rgb)                the photograph, sized as the three above
    side_by_side(pictures, titles)         one sheet of them

The map keeps the photograph's pixel grid 1:1, at the top left of the picture; it is shrunk where a side is
longer than 1600 px, and enlarged (nearest pixel, a whole factor) where the short side has less than 240 px.
What explains it stands beside it, never on it. The colour maps are matplotlib's perceptually uniform ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from heads.errors import InputError
from vlm.scale_bar import INK, PAPER, Scale, beside, canvas_height, coloured, font_of, text_size

LONGEST_SIDE = 1600
SHORTEST_SIDE = 240
SHEET_WIDTH, SHEET_PICTURE_HEIGHT = 3200, 720

SKY_COLOUR = (205, 226, 245)
UNKNOWN_COLOUR = (128, 128, 128)


def depth_picture(depth_z: np.ndarray, range_m: tuple[float, float] | None = None) -> Image.Image:
    """depth_z (H, W) metres (inf = sky, nan = unknown) in colours, with a bar in metres beside it.

    The colours span the depths found, far outliers left aside (`Scale.of`), or `range_m` (nearest, farthest),
    which makes pictures comparable; what is beyond has the colour of that end. Logarithmic over 6:1.
    """
    _check_map("depth_z", depth_z)
    known, sky = np.isfinite(depth_z), np.isposinf(depth_z)
    scale = Scale(*range_m) if range_m is not None else Scale.of(depth_z[known])
    colours = coloured(scale.share(depth_z), "plasma_r")
    colours[sky] = SKY_COLOUR
    colours[~known & ~sky] = UNKNOWN_COLOUR
    legend = [("sky", SKY_COLOUR)] if sky.any() else []
    legend += [("unknown", UNKNOWN_COLOUR)] if not (known | sky).all() else []
    bar = (scale, "plasma_r", "m") if known.any() else None
    return beside(_fitted(colours), ["depth", *_range_lines(scale, depth_z[known], "m")], bar, legend)


def uncertainty_picture(log_depth_scale: np.ndarray) -> Image.Image:
    """log_depth_scale (H, W), the expected error b of log depth, in colours, with a bar in percent.

    100 * b is the expected error in percent of the depth, to first order. What is not finite is grey.
    """
    _check_map("log_depth_scale", log_depth_scale)
    known = np.isfinite(log_depth_scale)
    percent = 100 * log_depth_scale
    scale = Scale.of(percent[known])
    colours = coloured(scale.share(percent), "viridis")
    colours[~known] = UNKNOWN_COLOUR
    legend = [] if known.all() else [("unknown", UNKNOWN_COLOUR)]
    bar = (scale, "viridis", "%") if known.any() else None
    heading = ["expected", "error", *_range_lines(scale, percent[known], "%")]
    return beside(_fitted(colours), heading, bar, legend)


def rays_picture(ray_directions: np.ndarray) -> Image.Image:
    """ray_directions (H, W, 3), camera frame, as colours, with a line every 10 degrees from the optical axis.

    Red grows to the right and green upwards, by the same amount a degree in every picture. Lines carry their
    angle, a cross marks the axis. A view too narrow for that has a line every 5, 2 or 1 degrees, and says so.
    """
    if ray_directions.ndim != 3 or ray_directions.shape[2] != 3 or 0 in ray_directions.shape:
        raise InputError("ray_directions", f"shape {ray_directions.shape}", "(H, W, 3)")
    size = _fitted_size(ray_directions.shape[1], ray_directions.shape[0])
    right, down, angle = _degrees(_resized_rays(ray_directions, size))
    colours = np.stack([0.5 + right / 130, 0.5 - down / 130, np.full_like(angle, 0.55)], -1)
    picture = Image.fromarray(np.rint(255 * np.clip(colours, 0, 1)).astype(np.uint8))
    step = next((step for step in (10, 5, 2) if angle.max() > 1.1 * step), 1)
    picture = _with_angle_lines(picture, angle, step)

    middle_row, middle_column = (length // 2 for length in ray_directions.shape[:2])
    width_deg = _field_of_view(_degrees(ray_directions[middle_row])[0])
    height_deg = _field_of_view(_degrees(ray_directions[:, middle_column])[1])
    view = [f"{width_deg:.0f}° wide", f"{height_deg:.0f}° high"]
    return beside(picture, ["angle from", "the axis (+)", f"lines: {step}°", "", "the view:", *view])


def photograph_picture(rgb: np.ndarray) -> Image.Image:
    """The photograph (H, W, 3) uint8, scaled as the maps are, to stand beside them."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape or rgb.dtype != np.uint8:
        raise InputError("rgb", f"{rgb.dtype} of shape {rgb.shape}", "uint8 (H, W, 3)")
    return _fitted(rgb)


def side_by_side(pictures: Sequence[Image.Image], titles: Sequence[str]) -> Image.Image:
    """One sheet, a title above each picture: in a row at one height, at most 720 px high and 3200 px in all;
    where most are wider than 2:1 below each other, as large as they are.
    """
    if not pictures or len(pictures) != len(titles):
        raise InputError("titles", f"{len(titles)} for {len(pictures)} pictures", "one title a picture, 1 or more")
    aspects = [picture.width / picture.height for picture in pictures]
    stacked = sorted(aspects)[len(aspects) // 2] > 2
    if stacked:
        sizes = [picture.size for picture in pictures]
    else:
        tallest = max(picture.height for picture in pictures)
        height = max(1, int(min(tallest, SHEET_PICTURE_HEIGHT, SHEET_WIDTH / sum(aspects))))
        sizes = [(max(1, round(height * aspect)), height) for aspect in aspects]

    font = font_of(min(28, max(16, max(height for _, height in sizes) // 20)))
    gap, title_height = round(font.size), round(2 * font.size)
    widths = [max(size[0], math.ceil(font.getlength(t))) for size, t in zip(sizes, titles, strict=True)]
    heights = [title_height + height for _, height in sizes]
    if stacked:
        sheet = Image.new("RGB", (max(widths) + 2 * gap, sum(heights) + gap), PAPER)
    else:
        sheet = Image.new("RGB", (sum(widths) + gap * (len(widths) + 1), max(heights) + gap), PAPER)
    draw = ImageDraw.Draw(sheet)
    left, top = gap, 0
    for i, picture in enumerate(pictures):
        draw.text((left, top + title_height / 2), titles[i], INK, font, anchor="lm")
        sized = picture.convert("RGB").resize(sizes[i], Image.Resampling.LANCZOS)
        sheet.paste(sized, (left, top + title_height))
        if stacked:
            top += heights[i]
        else:
            left += widths[i] + gap
    return sheet


# --- pieces --------------------------------------------------------------------------------------------


def _check_map(name: str, values: np.ndarray) -> None:
    if values.ndim != 2 or 0 in values.shape or values.dtype.kind != "f":
        raise InputError(name, f"{values.dtype} of shape {values.shape}", "floating point (H, W)")
    if (values <= 0).any():
        raise InputError(name, "has values of zero or less", "positive values, inf or nan")


def _fitted(colours: np.ndarray) -> Image.Image:
    """Colours (H, W, 3) as a picture of the size pictures have."""
    picture = Image.fromarray(np.ascontiguousarray(colours))
    size = _fitted_size(*picture.size)
    return picture.resize(size, Image.Resampling.BOX)  # enlarged by whole factors, this is the nearest pixel


def _fitted_size(width: int, height: int) -> tuple[int, int]:
    if max(width, height) > LONGEST_SIDE:
        shrink = LONGEST_SIDE / max(width, height)
        return max(1, round(width * shrink)), max(1, round(height * shrink))
    factor = min(math.ceil(SHORTEST_SIDE / min(width, height)), LONGEST_SIDE // max(width, height))
    return width * factor, height * factor


def _range_lines(scale: Scale, values: np.ndarray, unit: str) -> list[str]:
    """What the bar spans, in words, and whether some of the values (N,) lie beyond it."""
    if values.size == 0:
        return []
    beyond = (values.min() < 0.999 * scale.low) or (values.max() > 1.001 * scale.high)
    low, high = (f"{end:.0f}" if end >= 100 else f"{end:.3g}" for end in (scale.low, scale.high))
    return [f"{low} – {high} {unit}"] + (["(some beyond)"] if beyond else [])


def _degrees(rays: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of rays (..., 3): degrees to the right, degrees down, and degrees from the optical axis."""
    x, y, z = np.moveaxis(rays, -1, 0)
    return np.degrees(np.arctan2(x, z)), np.degrees(np.arctan2(y, z)), np.degrees(np.arctan2(np.hypot(x, y), z))


def _resized_rays(ray_directions: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Rays (H, W, 3) for a picture of another size (width, height), no longer of unit length.

    Beyond the centres of the outer pixels they go on as they were (odd reflection).
    """
    height, width = ray_directions.shape[:2]
    rows, columns = int(height > 1), int(width > 1)  # a single row or column has nothing to go on from
    box = (columns, rows, columns + width, rows + height)
    resized = []
    for component in np.moveaxis(ray_directions.astype(np.float32), -1, 0):
        padded = np.pad(component, ((rows, rows), (columns, columns)), "reflect", reflect_type="odd")
        resized.append(np.asarray(Image.fromarray(padded).resize(size, Image.Resampling.BILINEAR, box)))
    return np.stack(resized, -1)


def _with_angle_lines(picture: Image.Image, angle: np.ndarray, step: int) -> Image.Image:
    """The picture with a line, two pixels wide, and a label for every `step` degrees of angle (H, W)."""
    slopes = [np.gradient(angle, axis=axis) for axis in (0, 1) if angle.shape[axis] > 1]
    per_pixel = np.maximum(np.sqrt(sum(slope**2 for slope in slopes)), 1e-6)
    lines = np.maximum(np.round(angle / step), 1) * step  # the line nearest to each pixel, in degrees
    pixels_off = np.abs(angle - lines) / per_pixel
    cover = (0.9 * np.clip(1.5 - pixels_off, 0, 1))[..., None]
    drawn = Image.fromarray(np.rint(np.asarray(picture) * (1 - cover) + 255 * cover).astype(np.uint8))

    draw = ImageDraw.Draw(drawn)
    font = font_of(text_size(canvas_height(picture.height)))
    ys, xs = np.nonzero(angle <= angle.min() + 0.5 * per_pixel.min())
    axis_x, axis_y = float(xs.mean()), float(ys.mean())
    if min(ys.min(), xs.min()) > 0 and ys.max() < angle.shape[0] - 1 and xs.max() < angle.shape[1] - 1:
        for dx, dy in ((font.size / 2, 0), (0, font.size / 2)):
            draw.line((axis_x - dx, axis_y - dy, axis_x + dx, axis_y + dy), "white", 2)

    taken: list[tuple[float, float, float, float]] = []
    for degrees in np.unique(lines[pixels_off < 1]):
        ys, xs = np.nonzero((lines == degrees) & (pixels_off < 1))
        text = f"{degrees:.0f}°"
        half_width, half_height = font.getlength(text) / 2 + 3, 0.7 * font.size
        # To the upper right of the axis where the picture has room there, else as close to that as it has.
        away = np.abs(np.angle((xs - axis_x + 1j * (axis_y - ys)) * np.exp(-0.25j * np.pi)))
        for at in np.argsort(away)[:: max(1, len(xs) // 300)]:
            x, y = float(xs[at]), float(ys[at])
            box = (x - half_width, y - half_height, x + half_width, y + half_height)
            inside = box[0] >= 0 and box[1] >= 0 and box[2] <= picture.width and box[3] <= picture.height
            if inside and not any(_overlap(box, other) for other in taken):
                draw.text((x, y), text, "white", font, anchor="mm", stroke_width=2, stroke_fill=INK)
                taken.append(box)
                break
    return drawn


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _field_of_view(angles: np.ndarray) -> float:
    """Degrees between the outer borders of the outer pixels, from the angles (N,) of the pixels' centres."""
    if len(angles) < 2:
        return 0.0
    first, second, last_but_one, last = (float(angles[i]) for i in (0, 1, -2, -1))
    return abs((last + (last - last_but_one) / 2) - (first - (second - first) / 2))
