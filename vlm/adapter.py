"""LoRA on a Fathom's backbone: added, kept as a small folder with the heads beside it, loaded, merged.

peft wraps the backbone's own linear layers in place and nothing else; the heads stay ordinary modules. A folder has

adapter_config.json, adapter_model.safetensors   peft's own files (absent where only heads were trained)
heads.safetensors                                every head, whole
fathom_adapter.json                              which model it goes on, the heads' options, the calibration
"""

import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from heads.errors import InputError
from vlm.base import Base, check_base, check_family
from vlm.folders import check_new_folder, filled_folder
from vlm.options import Options, number

if TYPE_CHECKING:
    from vlm.model import Fathom

ABOUT, LORA, LORA_CONFIG, HEADS = (
    "fathom_adapter.json",
    "adapter_model.safetensors",
    "adapter_config.json",
    "heads.safetensors",
)


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


def is_adapter(folder: str | Path) -> bool:
    """True where the folder holds what `save_adapter` wrote."""
    return (Path(folder) / ABOUT).is_file()


def has_adapter(model: "Fathom") -> bool:
    """True where LoRA layers are in the backbone."""
    return bool(getattr(model.backbone, "peft_config", None))


def add_adapter(model: "Fathom", options: AdapterOptions) -> None:
    """Puts fresh LoRA layers into the backbone, whose own weights are frozen from here on; outputs stay the same."""
    from peft import LoraConfig

    config = LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha,  # type: ignore[arg-type]
        lora_dropout=options.dropout,
        target_modules=lora_targets(model, options),
        use_dora=options.dora,
        use_rslora=options.rslora,
    )
    _inject(model, config)


def lora_targets(model: "Fathom", options: AdapterOptions) -> str:
    """The regular expression of the adapter's layers, by their names in the backbone."""
    pattern = options.targets or model.family.LORA_TARGETS
    if options.vision:
        pattern = f"(?:{pattern})|(?:{vision_targets(model)})"
    try:
        hits = [name for name, _ in model.backbone.named_modules() if re.fullmatch(pattern, name)]
    except re.error as problem:
        raise InputError("adapter.targets", f"{pattern!r} ({problem})", "a regular expression") from None
    if not hits:
        some = next(name for name, _ in model.backbone.named_modules() if re.fullmatch(model.family.LORA_TARGETS, name))
        raise InputError("adapter.targets", f"no layer matches {pattern!r}", f"names of linear layers such as {some}")
    return pattern


def vision_targets(model: "Fathom") -> str:
    """A regular expression of the vision tower's linear layers, whatever the family calls them."""
    tower = model.vision_tower
    prefix = next(name for name, module in model.backbone.named_modules() if module is tower)
    skipped = nn.modules.linear.NonDynamicallyQuantizableLinear  # inside torch's own attention, which never calls it
    names = set()
    for name, module in tower.named_modules():
        if isinstance(module, nn.Linear) and not isinstance(module, skipped) and ".lora_" not in name:
            *path, last = name.removesuffix(".base_layer").split(".")
            names.add(r"\.".join([*(r"\d+" if part.isdigit() else part for part in path), last]))
    return rf"{re.escape(prefix)}\.(?:{'|'.join(sorted(names))})"


def adapter_options(model: "Fathom") -> AdapterOptions | None:
    """What the model's adapter was made with; its targets are spelt out. None without one."""
    if not has_adapter(model):
        return None
    config = model.backbone.peft_config["default"]
    return AdapterOptions(
        rank=config.r,
        alpha=config.lora_alpha,
        dropout=config.lora_dropout,
        targets=config.target_modules,
        dora=config.use_dora,
        rslora=config.use_rslora,
    )


def save_adapter(model: "Fathom", folder: str | Path, state: dict[str, Tensor] | None = None) -> None:
    """Writes adapter, heads and what they go on; a new folder appears whole or not at all.

    In a folder that is there already the files are replaced; a mixture of two saves is told by their marks on loading.
    state: the model's tensors by name, where they are not in the model itself (sharded training).
    """
    base = _base(model)
    tensors = model.state_dict() if state is None else state
    mark = secrets.token_hex(8)
    with filled_folder(folder) as new:
        if has_adapter(model):
            from peft import get_peft_model_state_dict

            own = {k.removeprefix("backbone."): v for k, v in tensors.items() if k.startswith("backbone.")}
            lora = get_peft_model_state_dict(model.backbone, own, save_embedding_layers=False)
            _write(lora, new / LORA, mark)
            config = model.backbone.peft_config["default"]
            config.base_model_name_or_path = base.name
            config.save_pretrained(new)
        heads = {k.removeprefix("heads."): v for k, v in tensors.items() if k.startswith("heads.")}
        _write(heads, new / HEADS, mark)
        about = {
            "base": base.name,
            "base_marks": base.marks,
            "heads": model.config.heads,
            "uncertainty": model.config.uncertainty,
            "max_pixels": model.config.max_pixels,
            "saved": mark,
        }
        (new / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def load_adapter(folder: str | Path, base: str | Path | None = None, **options: Any) -> "Fathom":
    """Base, adapter and heads together. base: where the base is, if not where the folder says; options: as for it."""
    from vlm.model import Fathom

    folder = Path(folder)
    about = _about(folder)
    name = str(base or about["base"])
    check_family(name, about["base_marks"], folder)  # before heads are built on places that only its own has
    try:
        model = Fathom.from_pretrained(name, heads=about["heads"], **options)
    except InputError as problem:
        raise InputError(
            "base",
            f"{folder} goes on {name!r}, but {problem}",
            f"base=FOLDER, or the folder's path as base in {folder / ABOUT}",
        ) from None
    check_base(_base(model), about["base_marks"], folder)
    model.config.uncertainty = about["uncertainty"]
    model.set_max_pixels(about["max_pixels"])
    if (folder / LORA_CONFIG).is_file():
        from peft import LoraConfig

        config = LoraConfig.from_pretrained(str(folder))
        config.inference_mode = False  # what trains is for a recipe to say
        _inject(model, config)
    read_adapter(model, folder)
    return model.requires_grad_(False).eval()


def read_adapter(model: "Fathom", folder: str | Path) -> None:
    """The tensors of an adapter folder into the model they came from, or one made alike."""
    folder = Path(folder)
    mark = _about(folder)["saved"]
    if has_adapter(model):
        from peft import set_peft_model_state_dict

        found = set_peft_model_state_dict(model.backbone, _tensors(folder / LORA, mark))
        _check(folder / LORA, [name for name in found.missing_keys if "lora_" in name], found.unexpected_keys)
    try:
        found = model.heads.load_state_dict(_tensors(folder / HEADS, mark), strict=False)
    except RuntimeError as problem:  # another shape
        raise InputError("model", f"{folder / HEADS}: {problem}", f"the heads that {ABOUT} describes") from None
    _check(folder / HEADS, found.missing_keys, found.unexpected_keys)


def merge(model: "Fathom") -> None:
    """Adds the adapter into the weights that it goes on and takes it out: the same outputs, an ordinary model."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    if not has_adapter(model):
        raise InputError("model", "it has no adapter", "a folder with a LoRA adapter")
    if getattr(model, "is_quantized", False):
        raise InputError("model", "its base is quantised, so the sum would be too", "the base loaded unquantised")
    for name, layer in list(model.backbone.named_modules()):
        if isinstance(layer, BaseTunerLayer):
            layer.merge(safe_merge=True)
            parent, _, last = name.rpartition(".")
            setattr(model.backbone.get_submodule(parent), last, layer.get_base_layer())
    del model.backbone.peft_config
    model.base, model.saves_adapter = None, False


def merge_folder(folder: str | Path, out: str | Path, base: str | Path | None = None) -> Path:
    """An adapter folder -> one whole checkpoint in the base's own precision; `out`: a new or an empty folder."""

    target = check_new_folder(out)
    if not is_adapter(folder):
        raise InputError("adapter", f"{folder} has no {ABOUT}", "a folder that `fathom train` wrote with an adapter")
    model = load_adapter(folder, base, dtype="auto")
    if has_adapter(model):
        merge(model)
    with filled_folder(target) as new:
        model.save_pretrained(new)
    return target


def _inject(model: "Fathom", config: Any) -> None:
    from peft import inject_adapter_in_model

    trained = {name for name, weight in model.heads.named_parameters() if weight.requires_grad}
    inject_adapter_in_model(config, model.backbone)
    model.saves_adapter = True
    for name, weight in model.backbone.named_parameters():
        weight.requires_grad_("lora_" in name)
    for name, weight in model.heads.named_parameters():
        weight.requires_grad_(name in trained)


def _base(model: "Fathom") -> Base:
    if model.base is None:
        raise InputError("model", "it does not stand on a saved model", "one loaded with from_pretrained")
    return model.base


def _about(folder: Path) -> dict[str, Any]:
    allowed = "what save_adapter wrote"
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        missing = {"base", "base_marks", "heads", "uncertainty", "max_pixels", "saved"} - about.keys()
    except (OSError, ValueError, AttributeError) as problem:
        raise InputError("model", f"{folder / ABOUT} cannot be read ({problem})", allowed) from None
    if missing:
        raise InputError("model", f"{folder / ABOUT} misses {', '.join(sorted(missing))}", allowed)
    return about


def _write(tensors: dict[str, Tensor], path: Path, mark: str) -> None:
    """On the processor and in one piece, as safetensors wants them."""
    plain = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}
    save_file(plain, path, {"format": "pt", "saved": mark})


def _tensors(path: Path, mark: str) -> dict[str, Tensor]:
    try:
        with safe_open(path, "pt") as file:
            theirs = (file.metadata() or {}).get("saved")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dictionary
    except (OSError, SafetensorError) as problem:
        raise InputError(
            "model", f"{path} is no whole safetensors file ({problem})", "what save_adapter wrote"
        ) from None
    if theirs != mark:
        raise InputError("model", f"{path} and {ABOUT} are of two different saves", "the files of one save")
    return tensors


def _check(path: Path, missing: list[str], unexpected: list[str]) -> None:
    problems = [
        f"{word} {', '.join(keys)}" for word, keys in (("missing", missing), ("unexpected", unexpected)) if keys
    ]
    if problems:
        raise InputError("model", f"{path}: {'; '.join(problems)}", "exactly the tensors that its config describes")
