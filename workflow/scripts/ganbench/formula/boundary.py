"""What a discriminator's loss says of its best logits: a border at 0, and whether any exist."""

import math
from collections.abc import Mapping

from ganbench.formula.language import (
    NUMBER_FUNCTIONS,
    Apply,
    Expression,
    Formula,
    Number,
    Variable,
)


def separates_at_zero(loss: Formula) -> bool:
    """Whether the sign of a logit says on which side the discriminator puts a sample.

    It does if 0 is a best logit for samples that are as often real as fake, and if the loss is not
    the same for logits that are all larger by one number.
    """

    if loss.states:
        return False  # not one loss, but another at every step

    def evaluate(r: float, f: float) -> float:
        return _evaluate(loss.expression, {"r": r, "f": f})

    try:
        undecided = [evaluate(logit, logit) for logit in (-1.0, -0.25, 0.0, 0.25, 1.0)]
        moves = not math.isclose(evaluate(1.5, 1.25), evaluate(0.5, 0.25), abs_tol=1e-9)
    except (ValueError, OverflowError, ZeroDivisionError, TypeError):
        return False  # not defined at these logits
    return moves and undecided[2] <= min(undecided) + 1e-9


def falls_without_bound(loss: Formula) -> bool:
    """Whether some discriminator's loss is as low as one likes, so that none is optimal.

    It is if the part on real samples, times some t = p_data/p_g, and the part on fake ones go to −∞
    together. A Wasserstein loss does, unless a constraint limits its logits. A loss with numbers
    that move while training counts as such: it is another at every step, and none is its optimum.
    """
    if loss.states:
        return True

    def evaluate(ratio: float, logit: float) -> float:
        parts = [{"r": logit, "f": 0.0}, {"r": 0.0, "f": logit}]
        real, fake = (_evaluate(loss.expression, logits) for logits in parts)
        return ratio * real + fake

    for ratio in (1e-3, 0.5, 1.0, 2.0, 1e3):
        for sign in (-1.0, 1.0):
            try:
                if evaluate(ratio, sign * 1e12) < evaluate(ratio, sign * 1e6) - 1e-3:
                    return True
            except (ValueError, OverflowError, ZeroDivisionError, TypeError):
                continue  # beyond the range of numbers, which a loss leaves upwards
    return False


def _evaluate(expression: Expression, logits: Mapping[str, float]) -> float:
    match expression:
        case Number(value):
            return value
        case Variable(name):
            return logits[name]
        case Apply(function, arguments):
            values = [_evaluate(argument, logits) for argument in arguments]
            return NUMBER_FUNCTIONS[function, len(arguments)](*values)
