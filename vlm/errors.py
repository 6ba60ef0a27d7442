"""The error for bad input, where a user of `vlm` looks for it."""

from heads.errors import InputError

__all__ = ["InputError"]
