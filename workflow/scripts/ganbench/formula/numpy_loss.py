"""A formula in float64, on numbers and NumPy arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from ganbench.formula.language import ARITHMETIC, Apply, Expression, Number, Variable

Array = Any
"""A float or a float64 array."""

_FUNCTIONS: dict[tuple[str, int], Callable[..., Array]] = {
    **ARITHMETIC,
    ("softplus", 1): lambda a: np.logaddexp(0.0, a),
    ("sigmoid", 1): special.expit,
    ("log", 1): np.log,
    ("exp", 1): np.exp,
    ("tanh", 1): np.tanh,
    ("relu", 1): lambda a: np.maximum(a, 0.0),
    ("abs", 1): np.abs,
    ("square", 1): np.square,
    ("sqrt", 1): np.sqrt,
    ("mean", 1): lambda a: a,
    ("maximum", 2): np.maximum,
    ("minimum", 2): np.minimum,
    # of derivatives only
    ("sign", 1): np.sign,
    ("step", 1): lambda a: np.heaviside(a, 0.5),
}


def evaluate(expression: Expression, r: Array, f: Array) -> Array:
    """The formula in float64 at real logits `r` and fake logits `f`; NaN where it has no value.

    `mean` returns its argument, as it does for a batch whose logits are all equal.
    """
    with np.errstate(all="ignore"):
        return _evaluate(expression, {"r": np.asarray(r, float), "f": np.asarray(f, float)})


def _evaluate(expression: Expression, logits: dict[str, Array]) -> Array:
    match expression:
        case Number(value):
            return np.float64(value)
        case Variable(name):
            return logits[name]
        case Apply(function, arguments):
            values = [_evaluate(argument, logits) for argument in arguments]
            return _FUNCTIONS[function, len(values)](*values)
