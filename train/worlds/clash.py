"""Whether two things run into each other, part by part: a chair may stand under a table, but not in its legs."""

from __future__ import annotations

import numpy as np

from .things import Item, turn_of, turn_of_yaw

SLACK = 0.015
"""Metres that parts may share: cloth gives way, and boxes are a little larger than the round things in them."""


def clash(one: Item, at: tuple[float, float, float], yaw: float,
          other: Item, there: tuple[float, float, float], turn: float) -> bool:  # fmt: skip
    """Whether a part of one thing reaches deeper than SLACK into a part of the other, each taken for its box.

    Two boxes are apart where a plane parts them; its normal is an axis of one of them or across one of each
    (Gottschalk et al. 1996, separating axes).
    """
    (ca, ra, ha), (cb, rb, hb) = _boxes(one, at, yaw), _boxes(other, there, turn)
    reach_a, reach_b = (np.abs(r) @ h[:, :, None] for r, h in ((ra, ha), (rb, hb)))
    gap = np.abs(ca[:, None] - cb[None]) - reach_a[:, None, :, 0] - reach_b[None, :, :, 0]
    i, j = np.nonzero((gap < -SLACK).all(-1))  # the upright boxes around them meet
    if not len(i):
        return False
    own, others = np.swapaxes(ra[i], 1, 2), np.swapaxes(rb[j], 1, 2)  # rows are axes
    across = np.cross(own[:, :, None], others[:, None]).reshape(-1, 9, 3)
    axes = np.concatenate([own, others, across], 1)
    length = np.linalg.norm(axes, axis=-1, keepdims=True)
    axes = axes / np.maximum(length, 1e-9)
    reach = sum((np.abs(axes @ r) * h[:, None]).sum(-1) for r, h in ((ra[i], ha[i]), (rb[j], hb[j])))
    shared = reach - np.abs(axes @ (cb[j] - ca[i])[:, :, None])[..., 0]
    return bool((np.where(length[..., 0] > 1e-3, shared, np.inf).min(1) > SLACK).any())


def _boxes(item: Item, at: tuple[float, float, float], yaw: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, 3) centres, (n, 3, 3) turns whose columns are axes, (n, 3) half sides of the parts where the item stands."""
    turn = turn_of_yaw(yaw)
    centres = np.array([part.centre for part in item.parts]) @ turn.T + np.array(at)
    return centres, turn @ np.array([turn_of(part.axis) for part in item.parts]), np.array([p.half for p in item.parts])
