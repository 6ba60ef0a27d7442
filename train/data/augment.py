"""Pictures varied so that depth, rays, labels, sky and camera still agree: all of them follow every change."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from train.data.sources import Augment

if TYPE_CHECKING:
    from train.data.samples import View

SMALLEST = 32  # px: no picture is cut or shrunk below this side


def varied(
    view: View, options: Augment, rng: np.random.Generator, keep: Literal["nothing", "text", "same world"]
) -> tuple[View, bool]:
    """The picture varied, and whether text about it is still true.

    keep: what must stay true. "text": nothing is cut off, mirrored or of another colour; "same world": nothing is
    mirrored, so that several views still show one scene.
    """
    view, cut = (view, False) if keep == "text" else _cut(view, options, rng)
    view = _resized(view, options, rng)
    flipped = keep == "nothing" and rng.random() < options.flip
    if flipped:
        view = mirrored(view)
    dyed = keep != "text" and options.recolour > 0 and rng.random() < options.recolour
    if dyed:
        view = recoloured(view, rng)
    return replace(view, image=looks(view.image, options, rng)), not (cut or flipped or dyed)


def _cut(view: View, options: Augment, rng: np.random.Generator) -> tuple[View, bool]:
    """A window anywhere; then the middle of it, enlarged to the window's size again: a longer focal length."""
    height, width = view.image.shape[:2]
    if options.crop > 0:
        kept_w, kept_h = (
            max(min(SMALLEST, side), round(side * (1 - options.crop * rng.random()))) for side in (width, height)
        )
        left, top = int(rng.integers(width - kept_w + 1)), int(rng.integers(height - kept_h + 1))
        view = cropped(view, left, top, kept_w, kept_h)
    if options.focal > 1:
        height, width = view.image.shape[:2]
        factor = np.exp(rng.uniform(0, np.log(options.focal)))
        w, h = (max(min(SMALLEST, side), round(side / factor)) for side in (width, height))
        view = resized(cropped(view, (width - w) // 2, (height - h) // 2, w, h), width, height)
    return view, options.crop > 0 or options.focal > 1


def _resized(view: View, options: Augment, rng: np.random.Generator) -> View:
    if options.aspect == 0 and options.shrink == 1:
        return view
    height, width = view.image.shape[:2]
    stretch = np.exp(0.5 * np.log1p(options.aspect) * rng.uniform(-1, 1))
    factor = np.exp(rng.uniform(np.log(options.shrink), 0))
    size = [max(min(SMALLEST, s), round(s * factor * f)) for s, f in ((width, stretch), (height, 1 / stretch))]
    return resized(view, *size)


def cropped(view: View, left: int, top: int, width: int, height: int) -> View:
    """The window of width x height pixels whose first is (left, top)."""
    h, w = view.image.shape[:2]
    assert not view.window.flipped, "cut first, mirror then"
    return replace(
        view,
        image=view.image[top : top + height, left : left + width],
        camera=view.camera.crop(left, top, width, height) if view.camera else None,
        window=view.window.cut(left / w, top / h, width / w, height / h),
    )


def resized(view: View, width: int, height: int) -> View:
    """width x height pixels: bicubic with antialiasing. The window stays: it is in shares."""
    image = np.asarray(Image.fromarray(view.image).resize((width, height), Image.Resampling.BICUBIC))
    return replace(view, image=image, camera=view.camera.resize(width, height) if view.camera else None)


def mirrored(view: View) -> View:
    """Left and right exchanged; the camera loses its pose: no rotation leads back to the true world."""
    return replace(
        view,
        image=np.ascontiguousarray(view.image[:, ::-1]),
        camera=view.camera.flip_horizontal() if view.camera else None,
        window=replace(view.window, flipped=not view.window.flipped),
    )


def recoloured(view: View, rng: np.random.Generator) -> View:
    """Every colour another: grey for one in four, else turned around the circle of hues, paler or stronger.

    What a thing is and how far it is must then be told from its shape. `colour` labels are true no more, and go.
    """
    saturation = 0.0 if rng.random() < 0.25 else float(np.exp(rng.uniform(np.log(0.3), np.log(2.0))))
    hue, pure, value = Image.fromarray(view.image).convert("HSV").split()
    turn = int(rng.normal(0, 32))  # of 256: a spread of 45 degrees
    hue = hue.point([(i + turn) % 256 for i in range(256)])
    image = ImageEnhance.Color(Image.merge("HSV", (hue, pure, value)).convert("RGB")).enhance(saturation)
    labels = {name: values for name, values in view.labels.items() if name != "colour"}
    return replace(view, image=np.asarray(image), labels=labels)


def looks(image: np.ndarray, options: Augment, rng: np.random.Generator) -> np.ndarray:
    """Colour, blur and JPEG: what changes no place."""
    if options.colour > 0:
        image = colour_jitter(image, rng, options.colour)
    if rng.random() < options.blur:
        soft = Image.fromarray(image).filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.002 * max(image.shape) + 0.5)))
        image = np.asarray(soft)
    if rng.random() < options.jpeg:
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "JPEG", quality=int(rng.integers(40, 96)))
        image = np.asarray(Image.open(stream))
    return image


def colour_jitter(image: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Exposure, contrast, white balance and noise; at strength 1 mild enough that a named colour keeps its name."""
    levels = (np.arange(256, dtype=np.float32) / 255) ** np.exp(rng.normal(0, 0.2 * strength))
    balance = np.exp(rng.normal(0, 0.08 * strength, 3)).astype(np.float32)
    x = np.stack([(levels * gain)[image[..., channel]] for channel, gain in enumerate(balance)], -1)
    mean = x.mean()
    x -= mean
    x *= np.exp(rng.normal(0, 0.12 * strength))
    x += mean
    if rng.random() < 0.2:  # saturation towards grey, but never all the way
        x += ((x[..., :1] + x[..., 1:2] + x[..., 2:]) / 3 - x) * rng.uniform(0, 0.5 * min(strength, 1.0))
    x += rng.normal(0, abs(rng.normal(0, 0.015 * strength)), x.shape)
    np.clip(x, 0, 1, out=x)
    x *= 255
    x += 0.5
    return x.astype(np.uint8)
