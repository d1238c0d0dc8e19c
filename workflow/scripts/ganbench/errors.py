"""Errors that are for the person who runs a study, not for the one who mends the code."""


class ActionableError(RuntimeError):
    """The message says what was found, what was expected and what to do: no traceback is shown."""
