"""A formula as a torch loss."""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from ganbench.formula.language import ARITHMETIC, Apply, Expression, Formula, Number, Variable

Loss = Callable[[Tensor | None, Tensor], Tensor]
"""Maps logits `r` and `f`, each `(batch,)`, to a scalar: the mean over the batch."""


def softplus(x: Tensor) -> Tensor:
    """log(1 + eˣ), accurate in both tails; torch's own softplus returns x above 20."""
    return -F.logsigmoid(-x)


_FUNCTIONS: dict[tuple[str, int], Callable[..., Tensor]] = {
    **ARITHMETIC,
    ("softplus", 1): softplus,
    ("sigmoid", 1): torch.sigmoid,
    ("log", 1): torch.log,
    ("exp", 1): torch.exp,
    ("tanh", 1): torch.tanh,
    ("relu", 1): F.relu,
    ("abs", 1): torch.abs,
    ("square", 1): torch.square,
    ("sqrt", 1): torch.sqrt,
    ("mean", 1): torch.mean,
    ("maximum", 2): lambda a, b: torch.maximum(*_to_tensors(a, b)),
    ("minimum", 2): lambda a, b: torch.minimum(*_to_tensors(a, b)),
    ("log sigmoid", 1): F.logsigmoid,
    ("log 1 - sigmoid", 1): lambda a: F.logsigmoid(-a),
}


def _to_tensors(a: Tensor | float, b: Tensor | float) -> tuple[Tensor, Tensor]:
    like = a if isinstance(a, Tensor) else b
    return _to_tensor(a, like), _to_tensor(b, like)


def _to_tensor(value: Tensor | float, like: Tensor) -> Tensor:
    if isinstance(value, Tensor):
        return value
    # filled on the device: a copy from the host could not be part of a CUDA graph
    return torch.full((), value, dtype=like.dtype, device=like.device)


def compile_loss(formula: Formula, state: Mapping[str, Tensor] | None = None) -> Loss:
    """Compiles `formula` into a function of the logits `r` and `f`: its mean over the batch.

    log(sigmoid(x)), log(1 - sigmoid(x)), log(1 + exp(x)) and 1 / (1 + exp(x)) are replaced by
    numerically stable forms. `r` may be None where the formula does not use it. `state` are the
    numbers that move while training; their values at each call count.
    """
    state = state or {}
    compute = _compile(_stabilise(formula.expression))

    def loss(r: Tensor | None, f: Tensor) -> Tensor:
        return _to_tensor(compute({"r": r, "f": f, **state}), f).mean()

    return loss


def _compile(expression: Expression) -> Callable[[dict[str, Tensor | None]], Tensor | float]:
    match expression:
        case Number(value):
            return lambda logits: value
        case Variable(name):
            return lambda logits: logits[name]
        case Apply(function, arguments):
            apply = _FUNCTIONS[function, len(arguments)]
            parts = [_compile(argument) for argument in arguments]
            return lambda logits: apply(*(part(logits) for part in parts))


def _stabilise(expression: Expression) -> Expression:
    """Replaces what would overflow in float32 at logits of ±100, and what costs two negations."""
    if not isinstance(expression, Apply):
        return expression
    expression = Apply(expression.function, tuple(map(_stabilise, expression.arguments)))
    match expression:
        case Apply("log", (Apply("sigmoid", (inner,)),)):
            return Apply("log sigmoid", (inner,))
        case Apply("log", (Apply("-", (Number(1.0), Apply("sigmoid", (inner,)))),)):
            return Apply("log 1 - sigmoid", (inner,))
        case Apply("log", (Apply("+", (Number(1.0), Apply("exp", (inner,)))),)):
            return Apply("softplus", (inner,))
        case Apply("log", (Apply("+", (Apply("exp", (inner,)), Number(1.0))),)):
            return Apply("softplus", (inner,))
        case Apply("/", (Number(1.0), Apply("+", (Number(1.0), Apply("exp", (inner,)))))):
            return Apply("sigmoid", (Apply("-", (inner,)),))
        case Apply("/", (Number(1.0), Apply("+", (Apply("exp", (inner,)), Number(1.0))))):
            return Apply("sigmoid", (Apply("-", (inner,)),))
        case Apply("softplus", (Apply("-", (inner,)),)):
            return Apply("-", (Apply("log sigmoid", (inner,)),))  # softplus(-x), two negations less
    return expression
