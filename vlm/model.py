"""Fathom: a vision-language model and its heads, one forward pass. Raw tensors out; `vlm.scene` reads them.

The backbone runs once, with hooks on the taps; its logits and KV cache are the text side, and the heads read
the taps of the image tokens. Equally sized images go through the heads together.
"""

import copy
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, AutoModelForImageTextToText, Cache, DynamicCache, PreTrainedModel
from transformers.utils.generic import ModelOutput

from heads.base import Features, Head
from heads.catalog import HEADS
from heads.errors import InputError
from heads.rays import ray_tokens
from vlm import vision_attention
from vlm.adapter import is_adapter, load_adapter, save_adapter
from vlm.backbones import family
from vlm.backbones.common import CACHE
from vlm.base import Base, base_of
from vlm.checkpoints import check_tensors, model_type, resolve
from vlm.config import FathomConfig
from vlm.loading import adopt, let_gradients_through, loading
from vlm.look import look_at
from vlm.processor import FathomProcessor
from vlm.published import in_published_names, is_published, loading_options
from vlm.scene import Scene


@dataclass
class FathomOutput(ModelOutput):
    """logits (B, L or kept, vocabulary); cache of keys and values; position_ids (3, B, L) or (B, L) that the LLM used.

    dense: head name -> one raw dictionary per image, in the order of the images.
    rays: raw ray outputs, one row per sample (see `heads.rays`), with `ray_input` they came from.
    losses: name -> (sum, count), where labels or truth were given.
    """

    logits: Tensor | None = None
    cache: Cache | None = None
    position_ids: Tensor | None = None
    dense: Any = None
    rays: Any = None
    ray_input: Any = None
    losses: Any = None


class Fathom(PreTrainedModel):
    """A backbone (any family of `vlm.backbones`) with heads on its hidden states."""

    config: FathomConfig
    config_class = FathomConfig
    base_model_prefix = "fathom"
    main_input_name = "pixel_values"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_attention_backend = True
    _keep_in_fp32_modules_strict = ["heads"]  # noqa: RUF012 - a backbone in bf16 still measures in float32

    def __init__(self, config: FathomConfig, backbone: nn.Module | None = None):
        """backbone: one that is loaded already; made from the config where not given."""
        super().__init__(config)
        self.backbone: Any = backbone or AutoModelForImageTextToText.from_config(config.backbone_config)
        self.heads: Any = nn.ModuleDict()  # name -> Head
        config.heads = self._with_taps(config.heads)
        for name, options in config.heads.items():
            self.heads[name] = self._head(options, name)
        self.processor: FathomProcessor | None = None
        self.detach_heads = False  # stage 1 of the training: heads learn, the backbone does not hear of it
        self.base: Base | None = None  # what it was loaded from: an adapter goes on that
        self.saves_adapter = False  # save_pretrained writes what differs from `base` alone
        tied = getattr(self.backbone, "_tied_weights_keys", None) or {}
        if config.backbone_config.tie_word_embeddings:
            self._tied_weights_keys = {f"backbone.{k}": f"backbone.{v}" for k, v in tied.items()}
            config.tie_word_embeddings = True
        self.post_init()

    def _with_taps(self, heads: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """The same, each with the places that it reads: what is saved must not follow a later default."""
        defaults = self.family.default_taps(self.config.backbone_config)
        usual = {name: defaults["rays" if name == "labels" else name] for name in heads if not heads[name].get("taps")}
        return {n: {**copy.deepcopy(o), "taps": list(usual.get(n) or o["taps"])} for n, o in heads.items()}

    def _head(self, options: dict[str, Any], name: str) -> Head:
        """A new head of the config's options."""
        options = dict(options)
        taps = [self.family.tap(self.config.backbone_config, tap) for tap in options.pop("taps")]
        return HEADS[options.pop("kind", name)](taps, **options)

    def set_heads(self, heads: dict[str, dict[str, Any]]) -> list[str]:
        """Exactly these heads, as in the config; one that is there with the same options stays as it is, and keeps its

        weights where only options differ that these do not depend on. Gives the names of the new ones: noise until
        they are trained.
        """
        heads = self._with_taps(heads)
        changed = [name for name, options in heads.items() if options != self.config.heads.get(name)]
        kept = {name: self.heads[name] for name in heads if name not in changed}
        device: Any = self.get_output_embeddings().weight.device
        made = {name: self._head(heads[name], name).to(device).train(self.training) for name in changed}
        fresh = [name for name in changed if not self._same_weights(name, heads[name], made[name])]
        for name in set(changed) - set(fresh):
            made[name].load_state_dict(self.heads[name].state_dict())
        self.heads = nn.ModuleDict({name: (made | kept)[name] for name in heads})
        self.config.heads = heads
        return fresh

    def _same_weights(self, name: str, options: dict[str, Any], head: Head) -> bool:
        """Whether the head of that name differs from this one in nothing that its weights depend on."""
        there = self.config.heads.get(name, {})
        return all(there.get(key) == options.get(key) or key in head.weightless for key in there | options)

    def set_max_pixels(self, max_pixels: int) -> None:
        """The largest image, in pixels, that the processor passes on."""
        self.config.max_pixels = max_pixels
        if self.processor is not None:
            self.processor.max_pixels = max_pixels

    def _init_weights(self, module: nn.Module) -> None:
        """Backbone and heads initialise themselves."""

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls, name: str | Path, *args: Any, heads: dict[str, dict[str, Any]] | None = None, **kwargs: Any
    ) -> "Fathom":
        """ "nano", a folder written by `save_pretrained`, with an adapter or whole, published DepthVLM weights, or a
        VLM's; float32, on the CPU and attention as the machine allows, unless told otherwise (see `vlm.loading`).

        heads: these in place of the folder's own; those that differ are new. base: an adapter's, if it has moved.
        A VLM gets new heads, with one warning. InputError where the name leads nowhere, where an option cannot be
        had, or where a tensor is missing or unexpected (named).
        """
        folder = resolve(name)
        if is_adapter(folder):
            if heads is not None:
                raise InputError("heads", "given for an adapter folder", "set_heads once it is loaded")
            return load_adapter(folder, **kwargs)
        published = is_published(folder)
        plain = not published and model_type(folder) != "fathom"
        kwargs |= loading_options(folder) if published else {}
        config: Any = kwargs.pop("config", None) or AutoConfig.from_pretrained(folder)
        whole = FathomConfig(config, heads) if plain else config
        told = loading(whole, folder, plain, lambda: cls(copy.deepcopy(whole)), kwargs)
        loader: Any = AutoModelForImageTextToText if plain else super()
        quiet = {"output_loading_info": True, "ignore_mismatched_sizes": True}  # check_tensors says it in one line
        try:
            model, info = loader.from_pretrained(folder, *args, config=config, **quiet, **told.options)
        except (OSError, SafetensorError) as problem:
            why = " ".join(str(problem).split())
            raise InputError("model", f"{folder}: {why}", "all of its weight files, whole") from None
        check_tensors(folder, in_published_names(info) if published else info)
        if plain:
            kernel = told.options["attn_implementation"]  # a config of our own would set the backbone's to none
            model = cls(FathomConfig(model.config, heads, attn_implementation=kernel), model)
            adopt(model, model.backbone, told.heads)
            if heads is None:
                warnings.warn(
                    f"{folder}: its heads ({', '.join(model.heads)}) are new, noise until trained", stacklevel=2
                )
        model.__dict__["_weight_conversions"] = None  # else transformers would save the published names again
        if (folder / "preprocessor_config.json").is_file():  # weights alone still run through `forward`
            backbone_config = model.config.backbone_config
            model.processor = FathomProcessor.from_pretrained(folder, model.config.max_pixels, backbone_config)
        if heads is not None:
            model.set_heads(heads)
        model.config.name_or_path = str(name)
        model.base = base_of(model, name)
        if model.device.type == "cuda":
            vision_attention.use(model.backbone)
        return model.eval()

    def save_pretrained(self, save_directory: str | Path, *args: Any, **kwargs: Any) -> None:
        """Weights and config, and the processor beside them; with an adapter that alone (see `vlm.adapter`)."""
        if self.saves_adapter:
            save_adapter(self, save_directory, kwargs.get("state_dict"))
            return
        super().save_pretrained(save_directory, *args, **kwargs)
        if self.processor is not None:
            self.processor.save_pretrained(save_directory)

    def look(self, image: Any = None, camera: Any = None, *, views: list | None = None) -> Scene:
        """One photograph (or `views`: several of one scene), one pass: a `Scene` to ask and to measure in.

        image: path, bytes, PIL, numpy or torch image (see `vlm.images.load_image`). camera: what is known of
        it (see `heads.camera.Camera.given`; with views a list); else EXIF, else the ray head decides.
        """
        if (image is None) == (views is None):
            raise InputError("image", "give either one image or views=[...]", "exactly one of the two")
        if views is None:
            return look_at(self, [[image]], [[camera]])[0]
        photos = list(views)
        if "rays" in self.heads and len(photos) > self.heads["rays"].max_views:
            raise InputError("views", f"there are {len(photos)}", f"at most {self.heads['rays'].max_views}")
        cameras = [None] * len(photos) if camera is None else camera
        if not isinstance(cameras, list | tuple):
            raise InputError("camera", f"one {type(camera).__name__} for views=[...]", "a list, None where unknown")
        return look_at(self, [photos], [list(cameras)])[0]

    def look_many(self, images: list, cameras: list | None = None) -> list[Scene]:
        """Several independent photographs of any sizes in one batch: a list of scenes."""
        given = [None] * len(images) if cameras is None else cameras
        if len(given) != len(images):
            raise InputError("cameras", f"{len(given)} for {len(images)} images", "as many, None where unknown")
        return look_at(self, [[image] for image in images], [[camera] for camera in given])

    def train(self, mode: bool = True) -> "Fathom":
        if mode and not self.training and getattr(self, "is_loaded_in_4bit", False):
            let_gradients_through(self)
        return super().train(mode)

    def get_input_embeddings(self) -> nn.Module:
        return self.backbone.get_input_embeddings()

    def get_output_embeddings(self) -> nn.Module:
        return self.backbone.get_output_embeddings()

    @property
    def family(self) -> Any:
        return family(self.config.backbone_config)

    @property
    def vision_tower(self) -> nn.Module:
        return self.family.vision_tower(self.backbone)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_grid_thw: Tensor | None = None,
        position_ids: Tensor | None = None,
        cache: Cache | None = None,
        labels: Tensor | None = None,
        truth: dict[str, Any] | None = None,
        use_cache: bool = False,
        logits_to_keep: int = 0,
        heads: bool = True,
    ) -> FathomOutput:
        """One pass.

        input_ids (B, L); attention_mask (B, L), or (B, 1, L, L) bool where True may be attended to;
        pixel_values and image_grid_thw as the family's image processor gives them, images in reading order;
        position_ids (3, B, L) or (B, L), computed where not given; labels (B, L), -100 = no loss, already aligned with
        input_ids; truth: see `train.data`; logits_to_keep: 0 = all, n = the last n (ignored with labels: then
        only positions that are asked for are computed).
        """
        if position_ids is None:
            if cache is not None:
                raise ValueError("position_ids: missing; a pass that continues a cache must say where it goes on")
            position_ids = self.family.positions(self.backbone, input_ids, attention_mask, image_grid_thw)
        with self._tapped(pixel_values is not None and heads) as taps:
            outputs = self.backbone.model(
                input_ids=input_ids,
                attention_mask=self._attendable(attention_mask),
                position_ids=position_ids,
                use_cache=use_cache,
                **{CACHE: DynamicCache() if use_cache and cache is None else cache},
                **self.family.inputs(input_ids, pixel_values, image_grid_thw, self.config.backbone_config),
            )
        hidden = outputs.last_hidden_state
        output = FathomOutput(cache=getattr(outputs, CACHE), position_ids=position_ids, losses={})
        if labels is not None:
            output.losses = {"text": self._text_loss(hidden, labels)}
        else:
            output.logits = self.capped(self.get_output_embeddings()(hidden[:, -logits_to_keep:]))
        if taps:
            self._run_heads(output, taps, input_ids, pixel_values, image_grid_thw, truth or {})
        return output

    def capped(self, logits: Tensor) -> Tensor:
        """Logits kept within the bound of those families (PaliGemma 2) that were trained with one."""
        cap = getattr(self.config.get_text_config(), "final_logit_softcapping", None)
        return logits if cap is None else cap * torch.tanh(logits / cap)

    def _attendable(self, mask: Tensor | None) -> Tensor | None:
        """A (B, 1, L, L) bool mask as eager attention wants it: added to the scores. Others go on as they are."""
        kernel = str(self.backbone.config.get_text_config()._attn_implementation)
        if mask is not None and mask.ndim == 4 and kernel.startswith("flash"):
            raise InputError("attention_mask", f"of pairs, which {kernel} cannot take", "attn_implementation='sdpa'")
        if mask is None or mask.ndim != 4 or kernel != "eager":
            return mask
        return torch.zeros(mask.shape, device=mask.device).masked_fill(~mask, torch.finfo(self.dtype).min)

    def _text_loss(self, hidden: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Cross entropy of the next token; logits are computed where a label asks for them, nowhere else."""
        asked = labels[:, 1:] != -100
        logits = self.capped(self.get_output_embeddings()(hidden[:, :-1][asked]))
        total = functional.cross_entropy(logits.float(), labels[:, 1:][asked], reduction="sum")
        return total, asked.sum()

    def _run_heads(
        self,
        output: FathomOutput,
        taps: dict[str, Tensor],
        input_ids: Tensor,
        pixel_values: Any,
        grid_thw: Any,
        truth: dict,
    ) -> None:
        config = self.config.backbone_config
        is_image = input_ids == config.image_token_id
        counts = self.family.token_counts(grid_thw, config)
        device = next(self.heads.parameters()).device  # with a device_map: perhaps not that of the taps
        grids: list[dict[str, Tensor]] = [{} for _ in counts]
        for name, value in taps.items():
            if name.startswith("vision."):
                parts = self.family.patch_rows_to_grids(value, grid_thw, config)
            else:
                rows = value[is_image] if name.startswith("language.") else value
                parts = self.family.token_rows_to_grids(rows, grid_thw, config)
            for grid, part in zip(grids, parts, strict=True):
                grid[name] = (part.detach() if self.detach_heads else part).to(device)
        pictures = [picture.to(device) for picture in self.family.images(pixel_values, grid_thw, config)]
        self._run_dense(output, grids, pictures, truth)
        if "rays" in self.heads:
            self._run_rays(output, grids, _images_per_row(is_image, counts), truth)

    def _run_dense(self, output: FathomOutput, grids: list[dict], pictures: list[Tensor], truth: dict) -> None:
        groups: dict[tuple, list[int]] = defaultdict(list)
        for i, picture in enumerate(pictures):
            groups[tuple(picture.shape)].append(i)
        output.dense = {name: [{} for _ in pictures] for name in self.heads if name != "rays"}
        for rows in groups.values():
            features = Features(
                {name: torch.stack([grids[i][name] for i in rows]) for name in grids[0]},
                torch.stack([pictures[i] for i in rows]),
            )
            for name, results in output.dense.items():
                raw = self.heads[name](features)
                parts = {key: value.unbind() for key, value in raw.items()}
                for k, i in enumerate(rows):
                    results[i] = {key: values[k] for key, values in parts.items()}
                if name in truth:
                    _add(output.losses, self.heads[name].loss(raw, stack_truth(truth[name], rows)))

    def _run_rays(self, output: FathomOutput, grids: list[dict], per_row: list[list[int]], truth: dict) -> None:
        head = self.heads["rays"]
        read = [torch.cat([grid[tap.name] for tap in head.taps]) for grid in grids]
        scenes = [[read[i] for i in views] for views in per_row if views]
        output.ray_input = ray_tokens(scenes)
        output.rays = head(output.ray_input)
        if "rays" in truth:
            _add(output.losses, head.loss(output.rays, truth["rays"]))

    @contextmanager
    def _tapped(self, wanted: bool) -> Iterator[dict[str, Tensor]]:
        """Hooks on every place a head reads, for the length of one pass."""
        taps: dict[str, Tensor] = {}
        hooks = []
        for name in sorted({tap.name for head in self.heads.values() for tap in head.taps}) if wanted else []:

            def keep(_module: nn.Module, _inputs: Any, out: Any, name: str = name) -> None:
                taps[name] = out[0] if isinstance(out, tuple) else out

            hooks.append(self.family.module(self.backbone, name).register_forward_hook(keep))
        try:
            yield taps
        finally:
            for hook in hooks:
                hook.remove()


def _images_per_row(is_image: Tensor, counts: list[int]) -> list[list[int]]:
    """Which images stand in which row of the batch, from the number of image tokens of each."""
    rows, image = [], 0
    for left in is_image.sum(1).tolist():
        views = []
        while left > 0:
            views.append(image)
            left -= counts[image]
            image += 1
        rows.append(views)
    return rows


def stack_truth(truth: list[dict[str, Tensor]], rows: list[int]) -> dict[str, Tensor]:
    """One dictionary per image -> one dictionary of batches, for the images `rows` (all of one size)."""
    return {key: torch.stack([truth[i][key] for i in rows]) for key in truth[rows[0]]}


def _add(losses: dict, more: dict) -> None:
    for name, (total, count) in more.items():
        before = losses.get(name, (0, 0))
        losses[name] = (before[0] + total, before[1] + count)


AutoConfig.register("fathom", FathomConfig)
AutoModel.register(FathomConfig, Fathom)
