"""All heads, by the name a config uses."""

from heads.base import Head
from heads.depth import DepthHead
from heads.labels import LabelHead
from heads.rays import RayHead

HEADS: dict[str, type[Head]] = {"depth": DepthHead, "rays": RayHead, "labels": LabelHead}
