"""What a recipe says of its data: sources of records, and how their pictures are varied."""

from dataclasses import dataclass, field

from heads.errors import InputError
from vlm.options import Options, number


@dataclass
class Augment(Options):
    """How a source's pictures are varied; 0 = not at all. Depth, rays, labels, sky and camera follow every change.

    crop: most of each side that is cut off. focal: most that the picture is enlarged about its middle (1 = never),
    which is another focal length. aspect: most that one side is stretched against the other. shrink: the least size,
    relative to the photograph's. flip, blur, jpeg: how often. recolour: how often all colours are others, or grey.
    colour: strength of exposure, contrast, white balance, noise; at 1 a named colour keeps its name.

    Crops, flips and other colours make text untrue ("left", "(512, 304)", "how many", "red"). Where a sample's text is
    used it is only changed in ways that keep it true (aspect, shrink, colour, blur, jpeg); with `over_text`, those
    three come first and the text of samples that they changed is left out.
    """

    crop: float = number(0.0, least=0, most=0.9)
    focal: float = number(1.0, least=1, most=4)
    aspect: float = number(0.0, least=0, most=0.5)
    shrink: float = number(1.0, above=0, most=1)
    flip: float = number(0.0, least=0, most=1)
    recolour: float = number(0.0, least=0, most=1)
    colour: float = number(1.0, least=0, most=2)
    blur: float = number(0.0, least=0, most=1)
    jpeg: float = number(0.0, least=0, most=1)
    over_text: bool = False


@dataclass
class Source(Options):
    """One set of records in the mixture: a JSONL file, a parquet file, or a folder that `datasets` has saved.

    root: where its relative paths begin (its own folder where not told). split: only records that say this one.
    weight: how often it is drawn, relative to the other sources'. text and depth: whether its conversations, its
    measured truth (depth, rays, labels) are used. reply: one fixed answer for every picture of it, in place of its
    own questions; prompt: what it answers (the record's own prompt where not told). views: how many pictures of
    one view_group make a sample (without text, which is about one picture). grows: lines that are added to a JSONL file
    while a run goes on are drawn too, so that it can begin before all is rendered; what is drawn then depends on the
    clock, and shares (of domains, of sources) stay those of the start.
    """

    records: str
    root: str | None = None
    split: str | None = None
    weight: float = number(1.0, above=0)
    text: bool = True
    depth: bool = True
    reply: str | None = None
    prompt: str | None = None
    views: int = number(1, least=1, most=16)
    grows: bool = False
    augment: Augment = field(default_factory=Augment)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.text or self.depth):
            raise InputError("data", f"{self.records} with neither text nor depth", "at least one of them")
        if self.reply is not None and not self.text:
            raise InputError("data", f"{self.records} has a reply and text: false", "text: true with a reply")
        if self.grows and self.views > 1:
            raise InputError("data", f"{self.records} grows, with {self.views} views a sample", "views: 1")
