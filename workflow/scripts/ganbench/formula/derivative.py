"""The derivative of a formula by one of its logits, as an expression in the same language.

It has two functions that no study can write: `sign`, and `step`, which is 1 above 0, 0 below and ½
at 0. Each derivative is written so that it keeps its digits in both tails.
"""

from ganbench.formula.language import Apply, Expression, Number, Variable

ZERO, ONE = Number(0.0), Number(1.0)


def differentiate(expression: Expression, name: str) -> Expression:
    """∂/∂`name`, with the mean over a batch taken as that of equal logits.

    `expression` is of the language; what this returns can be differentiated once more.
    """
    match expression:
        case Number(_):
            return ZERO
        case Variable(other):
            return ONE if other == name else ZERO
        case Apply(function, arguments):
            slopes = [differentiate(argument, name) for argument in arguments]
            if all(slope == ZERO for slope in slopes):
                return ZERO
            return _apply_chain_rule(function, arguments, slopes)


def _apply_chain_rule(
    function: str, arguments: tuple[Expression, ...], slopes: list[Expression]
) -> Expression:
    match function, arguments, slopes:
        case "+", (_, _), (first, second):
            return _add(first, second)
        case "-", (_, _), (first, second):
            return _add(first, _negate(second))
        case "-", (_,), (slope,):
            return _negate(slope)
        case "*", (left, right), (first, second):
            return _add(_multiply(first, right), _multiply(left, second))
        case "/", (above, below), (first, second):
            quotient = Apply("/", (_multiply(above, second), Apply("square", (below,))))
            return _add(Apply("/", (first, below)), _negate(quotient))
        case "**", (base, Number(exponent)), (slope, _):
            power = Apply("**", (base, Number(exponent - 1)))
            return _multiply(_multiply(Number(exponent), power), slope)
        case "maximum" | "minimum", (left, right), (first, second):
            difference = Apply("-", (left, right) if function == "maximum" else (right, left))
            other = Apply("step", (_negate(difference),))
            return _add(_multiply(Apply("step", (difference,)), first), _multiply(other, second))
    (argument,), (slope,) = arguments, slopes
    return _multiply(_differentiate_function(function, argument), slope)


def _differentiate_function(function: str, x: Expression) -> Expression:
    """The derivative of a function of one argument, at that argument."""
    match function:
        case "softplus":
            return Apply("sigmoid", (x,))
        case "sigmoid":
            return _multiply(Apply("sigmoid", (x,)), Apply("sigmoid", (_negate(x),)))
        case "log":
            return Apply("/", (ONE, x))
        case "exp":
            return Apply("exp", (x,))
        case "tanh":  # 1 − tanh², without its cancellation
            double = _multiply(Number(2.0), x)
            return _multiply(Number(4.0), _differentiate_function("sigmoid", double))
        case "relu":
            return Apply("step", (x,))
        case "abs":
            return Apply("sign", (x,))
        case "square":
            return _multiply(Number(2.0), x)
        case "sqrt":
            return Apply("/", (Number(0.5), Apply("sqrt", (x,))))
        case "mean":
            return ONE
        case "step" | "sign":
            return ZERO
    raise ValueError(f"the derivative of {function} is not known")


def _negate(x: Expression) -> Expression:
    return Number(-x.value) if isinstance(x, Number) else Apply("-", (x,))


def _add(x: Expression, y: Expression) -> Expression:
    if ZERO in (x, y):
        return y if x == ZERO else x
    return Apply("+", (x, y))


def _multiply(x: Expression, y: Expression) -> Expression:
    if ZERO in (x, y):
        return ZERO
    if ONE in (x, y):
        return y if x == ONE else x
    return Apply("*", (x, y))
