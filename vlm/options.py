"""Settings that check themselves: every unknown key, wrong type and value out of range is one clear error."""

import difflib
import types
import typing
from dataclasses import MISSING, asdict, field, fields
from typing import Any, Self

from heads.errors import InputError


class Options:
    """Base of dataclasses of settings. Their fields may be bool, int, float, str, lists, dicts, None, other Options."""

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for each in fields(self):  # type: ignore[arg-type]
            value = _fitted(hints[each.name], getattr(self, each.name), each.name)
            _check_range(value, each.name, each.metadata)
            setattr(self, each.name, value)

    @classmethod
    def of(cls, values: dict[str, Any], where: str, group: str = "") -> Self:
        """From what a file says. where: the file's name, for messages; group: the keys that lead here."""
        known = {each.name: each for each in fields(cls)}  # type: ignore[arg-type]
        for key in values:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, 1)
                hint = f", did you mean {group + near[0]!r}?" if near else ""
                raise InputError("recipe", f"unknown key {group + str(key)!r} in {where}{hint}", ", ".join(known))
        missing = [n for n, e in known.items() if n not in values and e.default is e.default_factory is MISSING]
        if missing:
            raise InputError("recipe", f"{where} misses {group}{missing[0]}", ", ".join(known))
        hints = typing.get_type_hints(cls)
        inner = {key: _built(hints[key], value, where, f"{group}{key}") for key, value in values.items()}
        try:
            return cls(**inner)
        except InputError as problem:
            raise InputError(f"{group}{problem}") from None

    def differences(self, other: Self) -> dict[str, tuple[Any, Any]]:
        """key -> (own value, other's value) where they differ, groups spelt out; keys that are `free` left out."""
        freed = {each.name for each in fields(self) if each.metadata.get("free")}  # type: ignore[arg-type]
        mine, theirs = (_flat(asdict(o)) for o in (self, other))  # type: ignore[call-overload]
        keys = dict.fromkeys((*mine, *theirs))
        return {
            key: (mine.get(key), theirs.get(key))
            for key in keys
            if key.split(".")[0] not in freed and mine.get(key) != theirs.get(key)
        }


def number(default: Any, least: float | None = None, most: float | None = None, above: float | None = None) -> Any:
    """A field whose number, where not None, must lie in the range."""
    return field(default=default, metadata={"least": least, "most": most, "above": above})


def one_of(*choices: Any) -> Any:
    """A field that is one of these; the first is the default."""
    return field(default=choices[0], metadata={"choices": choices})


def free(each: Any) -> Any:
    """The same field, which may differ when a run goes on."""
    return field(default=each.default, metadata={**each.metadata, "free": True})


def _flat(values: dict[str, Any], group: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{group}{key}.")
        else:
            flat[group + key] = value
    return flat


def _built(hint: Any, value: Any, where: str, key: str) -> Any:
    """Dictionaries where the field holds Options, or a list of them -> those; all else as it is."""
    kinds = [kind for kind in _kinds(hint) if isinstance(kind, type) and issubclass(kind, Options)]
    if kinds and isinstance(value, dict):
        return kinds[0].of(value, where, f"{key}.")
    lists = [typing.get_args(kind)[0] for kind in _kinds(hint) if typing.get_origin(kind) is list]
    if lists and isinstance(value, list):
        return [_built(lists[0], each, where, f"{key}.{i}") for i, each in enumerate(value)]
    return value


def _kinds(hint: Any) -> tuple[Any, ...]:
    """int | None -> (int, NoneType)."""
    return typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def _fitted(hint: Any, value: Any, key: str) -> Any:
    """The value as the field's type; else an InputError."""
    for kind in _kinds(hint):
        origin, inside = typing.get_origin(kind) or kind, typing.get_args(kind)
        if origin is Any:
            return value
        if isinstance(origin, type) and issubclass(origin, Options) and isinstance(value, dict):
            return origin.of(value, "the recipe", f"{key}.")
        if origin is list and isinstance(value, list | tuple):
            return [_fitted(inside[0], each, f"{key}.{i}") for i, each in enumerate(value)]
        if origin is dict and isinstance(value, dict):
            return {name: _fitted(inside[1], each, f"{key}.{name}") for name, each in value.items()}
        if origin is float and (told := _number(value)) is not None:
            return told
        if isinstance(value, origin) and not (isinstance(value, bool) and origin is int):
            return value
    names = " or ".join(_name(kind) for kind in _kinds(hint))
    raise InputError(key, f"{value!r} is a {type(value).__name__}", names)


def _number(value: Any) -> float | None:
    """A float; also of "1e-3", which YAML takes for a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _name(kind: Any) -> str:
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "null"}
    return words.get(kind, "key: value lines" if (typing.get_origin(kind) or kind) is not list else "a list")


def _check_range(value: Any, key: str, rule: Any) -> None:
    if "choices" in rule and value not in rule["choices"]:
        told = ", ".join("null" if choice is None else str(choice) for choice in rule["choices"])
        raise InputError(key, f"there is no {value!r}", told)
    if not isinstance(value, int | float):
        return
    least, most, above = (rule.get(name) for name in ("least", "most", "above"))
    if value != value or any((
        least is not None and value < least, most is not None and value > most, above is not None and value <= above,
    )):  # fmt: skip
        bounds = {"at least": least, "at most": most, "above": above}
        told = ", ".join(f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None)
        raise InputError(key, f"{value:g} is out of range", f"a number {told}")
