"""LoRA on a Fathom's backbone: added, saved as a small folder with the heads beside it, loaded, merged."""

from dataclasses import dataclass

from vlm.options import Options, number


@dataclass
class AdapterOptions(Options):
    """targets: regular expression of the backbone's linear layers; the family's file decides where there is none.

    vision: also the vision tower's. dora, rslora: peft's own switches (weight-decomposed; alpha / sqrt(rank)).
    """

    rank: int = number(16, least=1)
    alpha: float = number(32.0, above=0)
    dropout: float = number(0.0, least=0, most=0.99)
    targets: str | None = None
    vision: bool = False
    dora: bool = False
    rslora: bool = False
