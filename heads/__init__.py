"""Small modules that read a backbone's features: depth in metres, rays and the camera, labels."""

from heads.base import Features, Head, Tap
from heads.depth import DepthHead
from heads.labels import LabelHead
from heads.rays import RayHead

HEADS: dict[str, type[Head]] = {"depth": DepthHead, "rays": RayHead, "labels": LabelHead}

__all__ = ["HEADS", "DepthHead", "Features", "Head", "LabelHead", "RayHead", "Tap"]
