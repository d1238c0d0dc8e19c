"""A formula as a torch loss."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ganbench.formula.language import ARITHMETIC, Apply, Expression, Formula, Number, Variable

Loss = Callable[[Tensor | None, Tensor], Tensor]
"""From logits `r` and `f`, each `(batch,)`, to a scalar: the mean over the batch."""


def softplus(x: Tensor) -> Tensor:
    """log(1 + eˣ), exact in both tails; torch's own is cut off to x at 20."""
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
    ("maximum", 2): lambda a, b: torch.maximum(*_tensors(a, b)),
    ("minimum", 2): lambda a, b: torch.minimum(*_tensors(a, b)),
    ("log sigmoid", 1): F.logsigmoid,
    ("log 1 - sigmoid", 1): lambda a: F.logsigmoid(-a),
}


def _tensors(a: Tensor | float, b: Tensor | float) -> tuple[Tensor, Tensor]:
    like = a if isinstance(a, Tensor) else b
    return _tensor(a, like), _tensor(b, like)


def _tensor(value: Tensor | float, like: Tensor) -> Tensor:
    """A number made on the device: copied to it, it could not be part of a CUDA graph."""
    if isinstance(value, Tensor):
        return value
    return torch.full((), value, dtype=like.dtype, device=like.device)


def compile_loss(formula: Formula) -> Loss:
    """The mean of `formula` over the batch, as a function of the logits `r` and `f`.

    Compiled once into nested functions; log(sigmoid(x)), log(1 - sigmoid(x)), log(1 + exp(x)) and
    1 / (1 + exp(x)) become their stable forms. `r` may be None where the formula does not use it.
    """
    compute = _compile(_stable(formula.expression))

    def loss(r: Tensor | None, f: Tensor) -> Tensor:
        return _tensor(compute({"r": r, "f": f}), f).mean()

    return loss


def _compile(expression: Expression) -> Callable[[dict[str, Tensor | None]], Tensor | float]:
    match expression:
        case Number(value):
            return lambda logits: value
        case Variable(name):
            return lambda logits: logits[name]
        case Apply(function, arguments):
            apply = _FUNCTIONS[function, len(arguments)]
            parts = [_compile(each) for each in arguments]
            return lambda logits: apply(*(part(logits) for part in parts))


def _stable(expression: Expression) -> Expression:
    """The same with what overflows in float32 at logits of ±100 in its stable form."""
    if not isinstance(expression, Apply):
        return expression
    expression = Apply(expression.function, tuple(map(_stable, expression.arguments)))
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
    return expression
