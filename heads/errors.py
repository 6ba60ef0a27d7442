"""The errors a user sees: a single line that names the argument."""


class InputError(ValueError):
    """Bad input, told in one line: `argument: what was wrong; allowed: what is`.

    Made from its three parts, or from one finished line. Line breaks and runs of spaces (from a file name, or
    from another library's message) become single spaces, so that the message is always one line.
    """

    def __init__(self, argument: str, wrong: str = "", allowed: str = "") -> None:
        line = argument
        if wrong:
            line += f": {wrong}"
        if allowed:
            line += f"; allowed: {allowed}"
        super().__init__(" ".join(line.split()))


class NotPredictedError(InputError, AttributeError):
    """This model has no head for what was asked. An AttributeError too: `getattr(scene, "sky", None)` is None."""
