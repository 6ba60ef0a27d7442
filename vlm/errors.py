"""The error for bad input, where a user of `vlm` looks for it."""

from heads.errors import InputError, NotPredictedError

__all__ = ["InputError", "NotPredictedError"]
