"""All heads, by the name or `kind` that a config uses."""

from heads.base import Head
from heads.depth import DepthHead
from heads.dpt import PublishedDptHead, PublishedMlpHead
from heads.labels import LabelHead
from heads.rays import RayHead

HEADS: dict[str, type[Head]] = {
    "depth": DepthHead,
    "published_dpt": PublishedDptHead,
    "published_mlp": PublishedMlpHead,
    "rays": RayHead,
    "labels": LabelHead,
}
