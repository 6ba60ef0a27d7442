"""A recipe: one YAML file that says what trains, on what, how fast. What makes no sense in it is an error."""

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from heads.errors import InputError
from train.data.sources import Source
from train.taught import LOSSES, GuideOptions
from vlm.adapter import AdapterOptions
from vlm.options import Options, free, number, one_of

STORED = "recipe.yaml"
SHIPPED = Path(__file__).parent / "recipes"


@dataclass
class Sizes(Options):
    """Of a new model: text and vision config (as transformers' Qwen3-VL takes them), heads, largest image in pixels.

    With `start`: heads in addition to the model's own, and another largest image; text and vision are not used.
    """

    text: dict[str, Any] = field(default_factory=dict)
    vision: dict[str, Any] = field(default_factory=dict)
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    max_pixels: int | None = number(None, least=1)


@dataclass
class Trains(Options):
    """Which weights move: the LoRA adapter, the heads, the backbone's own (its LLM and merger), its vision tower.

    backbone_from: of the backbone only the LLM's decoder layers from this one on and the norm behind them; 0 = all.
    """

    adapter: bool = False
    heads: bool = True
    backbone: bool = True
    vision: bool = True
    backbone_from: int = number(0, least=0)


@dataclass
class Rates(Options):
    """Peak learning rate of each group; the recipe's `rate` where none is given."""

    adapter: float | None = number(None, above=0)
    heads: float | None = number(None, above=0)
    backbone: float | None = number(None, above=0)
    vision: float | None = number(None, above=0)


@dataclass
class Recipe(Options):
    """Every setting of a run, grouped. A relative path is relative to the working directory."""

    # the model: a folder or name to start from, or the sizes of a new one
    start: str | None = None
    model: Sizes = field(default_factory=Sizes)
    vocabulary: int = number(1536, least=263)  # of a new tokenizer: 256 bytes and 7 special tokens at least
    retokenise: bool = False  # with `start`: a new tokenizer from the data's words; embeddings move over
    dtype: str = one_of("float32", "bfloat16")  # of the backbone; heads are always float32
    quantise: str = one_of("none", "nf4")
    attention: str | None = one_of(None, "sdpa", "eager", "flash_attention_2", "flash_attention_3")
    gradient_checkpointing: bool = False

    # what trains. adapter: None = the start's own, or the default one where `trains.adapter`
    trains: Trains = field(default_factory=Trains)
    adapter: AdapterOptions | None = None
    detach_heads: bool = False  # stage 1: no gradient of a head reaches the backbone

    # the data: `records` is short for a source of weight 1 each
    data: list[Source] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    indoor: float | None = number(None, least=0, most=1)  # share of indoor among indoor and outdoor draws; null = as is
    questions_per_image: int = number(8, least=1)
    favour: dict[str, float] = field(default_factory=dict)  # question type -> how many times as likely it is drawn
    bad_share: float = free(number(0.01, least=0, most=1))  # of samples that may turn out unreadable before a run stops
    seed: int = number(0, least=0)

    # the schedule: whichever of steps and minutes ends first; the cosine follows the one that is further on
    steps: int = number(3000, least=1)
    minutes: float | None = free(number(None, above=0))
    batch: int = number(8, least=1)  # samples a step, over all processes and all accumulated passes
    accumulate: int = free(number(1, least=1))  # forward passes a step; each process takes batch / (processes * this)
    rate: float = number(1e-3, above=0)
    rates: Rates = field(default_factory=Rates)
    final_rate: float = number(0.02, least=0, most=1)
    warmup_steps: int = number(100, least=1)
    weight_decay: float = number(0.05, least=0)
    beta2: float = number(0.98, above=0, most=0.999999)
    clip: float = number(1.0, above=0)
    average: float = number(0.0, least=0, most=0.99999)  # of a step's mean of weights that is the last step's; 0 = none
    save_every: int = free(number(200, least=1))
    log_every: int = free(number(20, least=1))
    workers: int = free(number(1, least=0))
    report_to: list[str] = field(default_factory=list, metadata={"free": True})  # beside TensorBoard: wandb, ...

    # the evaluation: records that are never trained on, every so many steps and at the end; none = no evaluation
    held_out: list[str] = field(default_factory=list, metadata={"free": True})
    eval_every: int = free(number(500, least=1))
    eval_samples: int = free(number(256, least=1))  # the first so many of them
    eval_pictures: int = free(number(4, least=0))  # sheets of image, truth, prediction, error, uncertainty

    # loss name -> weight; a loss that is not named here is not trained. ramp_steps: all but text grow from 0 to that
    # guide: layers that are taught where questions look and what is there; its losses: `train.taught.LOSSES`
    losses: dict[str, float] = field(default_factory=dict)
    guide: GuideOptions = field(default_factory=GuideOptions)
    ramp_steps: int = number(0, least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        trains = self.trains
        if not (trains.adapter or trains.heads or trains.backbone or trains.vision):
            raise InputError("trains", "nothing trains", "at least one of adapter, heads, backbone, vision")
        if trains.adapter and (trains.backbone or trains.vision):
            raise InputError(
                "trains",
                "an adapter and the weights that it adapts",
                "backbone: false and vision: false with an adapter",
            )
        if self.adapter is not None and not trains.adapter:
            raise InputError("adapter", "given, but trains.adapter is false", "trains: {adapter: true}, or no adapter")
        if self.quantise != "none" and (trains.backbone or trains.vision):
            raise InputError("quantise", "quantised weights cannot be trained", "trains: {adapter: true, heads: true}")
        if trains.backbone_from and not trains.backbone:
            raise InputError("trains.backbone_from", "of a backbone that does not train", "trains.backbone: true, or 0")
        frozen = trains.adapter or not trains.backbone or trains.backbone_from > 0
        if self.start is None and (self.quantise != "none" or frozen):
            raise InputError("start", "a new model whose own weights do not train", "a model to start from")
        if self.retokenise and (self.start is None or frozen):
            raise InputError("retokenise", "without a start whose backbone trains", "start, and all of the backbone")
        if any(not 0 < weight < math.inf for weight in self.favour.values()):
            raise InputError("favour", str(self.favour), "numbers above 0")
        if self.guide.layers and not trains.backbone:
            raise InputError("guide", "of a backbone that does not train", "trains.backbone: true")
        for name, losses in LOSSES.items():
            given = getattr(self.guide, name) not in (None, [])
            if any(given != bool(self.losses.get(loss)) for loss in losses):
                wanted = " and ".join(f"losses.{loss}" for loss in losses)
                raise InputError("guide", f"{name} or its weight alone", f"guide.{name} and {wanted}, or neither")
            if given and not self.guide.layers:
                raise InputError("guide", f"{name} without layers", "guide.layers and losses.guide too")
        self._check_order()

    def _check_order(self) -> None:
        """What the guide teaches in one layer is found there by the next."""
        guide = self.guide
        if guide.verdict is not None and guide.answers is None:
            raise InputError("guide", "verdict without answers", "guide.answers and its losses too")
        if guide.chosen is not None and guide.verdict is None:
            raise InputError("guide", "chosen without verdict", "guide.verdict and its loss too")
        if guide.told is not None:
            self._check_told(guide)
        for name in ("chosen", "numbers", "copies", "verdict"):
            for before in ("answers", "verdict"):
                first, later = getattr(guide, before), getattr(guide, name)
                if first is not None and later is not None and later < first:
                    wrong = f"{name} in layer {later}, before {before} in {first}"
                    raise InputError("guide", wrong, f"{first} or later")

    def _check_told(self, guide: GuideOptions) -> None:
        """What is told is put in by hooks, which checkpointing would run once more without them."""
        if guide.answers is None:
            raise InputError("guide", "told without answers", "guide.answers and its losses too")
        told_in = {"answers": guide.answers, "verdict": guide.verdict}
        for name in ("verdict", "chosen", "numbers"):  # they would read what was there before
            same = [of for of, layer in told_in.items() if of != name and layer == getattr(guide, name) is not None]
            if same:
                raise InputError("guide", f"told in one layer of both {same[0]} and {name}", f"{name} in a later one")
        if guide.told is not None and guide.told > self.questions_per_image:
            wrong = f"every {guide.told}th of {self.questions_per_image} questions"
            raise InputError("guide.told", wrong, f"at most questions_per_image, {self.questions_per_image}")
        if self.gradient_checkpointing:
            raise InputError("guide", "told with gradient_checkpointing", "one of the two")

    @property
    def sources(self) -> list[Source]:
        """The mixture: `data`, then one source for each of `records`."""
        return [*self.data, *(Source(records=path) for path in self.records)]

    def rate_of(self, group: str) -> float:
        """Peak learning rate of a group of `train.groups`."""
        own = getattr(self.rates, group)
        return self.rate if own is None else own


def load_recipe(path: str | Path, changes: list[str] | None = None) -> Recipe:
    """A YAML file and changes such as `steps=100` or `adapter.rank=8` -> Recipe; else an InputError.

    path: a file, or the name of a recipe that ships ("stage1").
    """
    shipped = {each.stem: each for each in sorted(SHIPPED.glob("*.yaml"))}
    path = shipped.get(str(path), Path(path))
    if not path.is_file():
        raise InputError("recipe", f"no file {path}", f"a YAML file, or one of {', '.join(shipped)}")
    values = _yaml(path.read_text(encoding="utf-8"), path.name) or {}
    if not isinstance(values, dict):
        raise InputError("recipe", f"{path.name} holds a {type(values).__name__}", "key: value lines")
    for change in changes or []:
        key, equals, value = change.partition("=")
        if not equals:
            raise InputError("recipe", f"{change!r} has no '='", "key=value")
        _set(values, key.strip(), _yaml(value, change))
    return Recipe.of(values, path.name)


def check_recipe(recipe: Recipe, folder: Path) -> None:
    """InputError where the folder holds a run by another recipe.

    Keys that change nothing of what is learned (how often to save, how long to run) may differ.
    """
    path = folder / STORED
    if path.is_file():
        before = Recipe.of(_yaml(path.read_text(encoding="utf-8"), path.name), path.name)
        differing = before.differences(recipe)
        if differing:
            told = "; ".join(f"{key} was {old!r}, now {new!r}" for key, (old, new) in differing.items())
            raise InputError("recipe", f"{folder} holds a run by another recipe ({told})", "the same, or a new folder")


def keep_recipe(recipe: Recipe, folder: Path) -> None:
    """Writes the recipe into the run's folder, which from now on holds a run by this one: see `check_recipe`."""
    check_recipe(recipe, folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / STORED
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(yaml.safe_dump(asdict(recipe), sort_keys=False), encoding="utf-8")
    temporary.replace(path)


def _yaml(text: str, where: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as problem:
        raise InputError("recipe", f"{where} is no YAML: {problem}", "key: value lines") from None


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    """values["a"]["b"] = value for the key "a.b"."""
    *groups, last = key.split(".")
    for group in groups:
        inner = values.get(group)
        values[group] = values = dict(inner) if isinstance(inner, dict) else {}
    values[last] = value
