"""The light and the lens of one photograph, drawn from a seed: sun or lamps, sky, haze, exposure, faults."""

from __future__ import annotations

import numpy as np

from .places import Place


def look(rng, place: Place) -> dict:
    """Light and lens of one photograph: linear RGB light, directions in the world frame, sRGB lens effects."""
    values = {
        "target": rng.uniform(0.13, 0.34),  # mean linear brightness after exposure
        "white_balance": np.exp(rng.normal(0, 0.05, 3)),
        "vignette": max(0.0, rng.normal(0.1, 0.12)),
        "grain": rng.uniform(0.0, 0.012) if rng.random() < 0.75 else rng.uniform(0.01, 0.035),
        "blur": rng.uniform(0.3, 0.65) if rng.random() < 0.8 else rng.uniform(0.6, 1.1),
        "contrast": rng.uniform(0.85, 1.2),
        "saturation": rng.uniform(0.75, 1.2),
        "pattern": int(rng.integers(1 << 30)),
    }
    if place.room is not None:
        width, length, height = place.room
        warm = rng.uniform(0, 1)
        values |= {
            "lamp": np.array([rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * length, height - 0.12]),
            "light": np.array([1.0, 1 - 0.22 * warm, 1 - 0.5 * warm]) * rng.uniform(0.5, 1.4),
            "ambient": np.array([1.0, 1.0, 1.0 + rng.uniform(-0.15, 0.15)]) * rng.uniform(0.3, 0.8),
        }
        return values
    elevation, azimuth = np.radians(rng.uniform(12, 75)), rng.uniform(0, 2 * np.pi)
    sun = np.array([np.cos(elevation) * np.sin(azimuth), np.cos(elevation) * np.cos(azimuth), np.sin(elevation)])
    cloudy = rng.uniform(0, 1)
    overcast = cloudy > 0.7
    blue, grey = np.array([0.16, 0.36, 0.85]), np.array([0.62, 0.66, 0.72])
    evening = max(0.0, 1 - np.degrees(elevation) / 30)
    zenith = (blue * (1 - cloudy**2) + grey * cloudy**2) * rng.uniform(0.7, 1.1)
    horizon = 0.65 * np.array([0.85, 0.9, 1.0]) + 0.35 * np.array([1.0, 0.75, 0.5]) * evening + 0.1 * cloudy
    strength = 0.05 if overcast else rng.uniform(1.0, 2.4)
    values |= {
        "sun": sun,
        "light": np.array([1.0, 0.95 - 0.2 * evening, 0.85 - 0.4 * evening]) * strength,
        "ambient": np.array([0.75, 0.85, 1.0]) * (0.9 if overcast else rng.uniform(0.3, 0.6)),
        "zenith": zenith,
        "horizon": horizon,
        "clouds": cloudy,
        "fog": float(rng.choice([rng.uniform(60, 200), rng.uniform(200, 1500)], p=[0.2, 0.8])),
    }
    return values
