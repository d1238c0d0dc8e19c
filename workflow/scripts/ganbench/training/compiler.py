"""Keeps torch's compiler out of work that only asks it not to compile."""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

NAME = "torch._dynamo"


class _NoCompiler(ModuleType):
    """What `torch._dynamo` is until someone wants more of it than to be left alone."""

    def disable(self, function: Callable, *_: Any, **__: Any) -> Callable:
        """The function itself: nothing compiles it."""
        return function

    def __getattr__(self, name: str) -> Any:
        """What the compiler has by this name; loads it."""
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(NAME) is self:
            del sys.modules[NAME]
        return getattr(importlib.import_module(NAME), name)


@contextmanager
def without_compiler() -> Iterator[None]:
    """Within this, operators on the device `meta` do not load torch's compiler.

    torch marks the Python code of such operators, and dispatch modes, as not to be compiled, and
    imports its compiler for the mark alone, which takes longer than all they do here.
    Code that wants more of the compiler gets it.
    """
    if NAME in sys.modules:
        yield
        return
    stand_in = _NoCompiler(NAME)
    sys.modules[NAME] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(NAME) is stand_in:
            del sys.modules[NAME]
