"""A formula as MathML, with its terms in the order in which they were written."""

from ganbench.formula.language import Apply, Expression, Number, Variable

_SUM, _PRODUCT, _NEGATION, _POWER, _ATOM = range(5)
_PRECEDENCE = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _POWER, "**": _POWER}
_FUNCTION_NAMES = {"sigmoid": "σ", "maximum": "max", "minimum": "min"}
_OPERATOR_SIGNS = {"+": "+", "-": "−", "*": "·"}


def to_mathml(expression: Expression) -> str:
    """A `<math>` element. All names in it belong to the language, so nothing needs escaping."""
    return f"<math>{_row(_print(expression))}</math>"


def _print(expression: Expression) -> str:
    match expression:
        case Number(value):
            return _print_number(value)
        case Variable(name):
            return f"<mi>{name}</mi>"
        case Apply("-", (argument,)):
            return f'<mo form="prefix">−</mo>{_print_operand(argument, _NEGATION)}'
        case Apply("/", (above, below)):
            return f"<mfrac>{_row(_print(above))}{_row(_print(below))}</mfrac>"
        case Apply("**", (base, exponent)):
            return f"<msup>{_row(_print_operand(base, _ATOM))}{_row(_print(exponent))}</msup>"
        case Apply("square", (base,)):
            return f"<msup>{_row(_print_operand(base, _ATOM))}<mn>2</mn></msup>"
        case Apply("sqrt", (argument,)):
            return f"<msqrt>{_print(argument)}</msqrt>"
        case Apply("abs", (argument,)):
            return _row(f"<mo>|</mo>{_print(argument)}<mo>|</mo>")
        case Apply("+" | "-" | "*" as operator, (left, right)):
            level = _PRECEDENCE[operator]
            right_level = level if operator == "+" else level + 1
            sign = f"<mo>{_OPERATOR_SIGNS[operator]}</mo>"
            return _print_operand(left, level) + sign + _print_operand(right, right_level)
        case Apply(function, arguments):
            inside = "<mo>,</mo>".join(map(_print, arguments))
            name = f"<mi>{_FUNCTION_NAMES.get(function, function)}</mi>"
            return f"{name}<mo>&#x2061;</mo>{_brackets(inside)}"


def _print_number(value: float) -> str:
    """The shortest decimal that is this float64 exactly: 0.25, 1.5 · 10⁻⁷.

    Numbers of the language are too small to need a positive power of ten.
    """
    digits, _, exponent = repr(abs(value)).removesuffix(".0").partition("e-")
    printed = f"<mn>{digits}</mn>"
    if exponent:
        power = f"<msup><mn>10</mn><mrow><mo>−</mo><mn>{int(exponent)}</mn></mrow></msup>"
        printed = power if digits == "1" else f"{printed}<mo>·</mo>{power}"
    return f"<mo>−</mo>{printed}" if value < 0 else printed


def _precedence(expression: Expression) -> int:
    match expression:
        case Number(value) if "e" in repr(value):
            return _PRODUCT
        case Number(value) if value < 0:
            return _NEGATION
        case Apply("-", (_,)):
            return _SUM
        case Apply("square", _):
            return _POWER
        case Apply(function, _):
            return _PRECEDENCE.get(function, _ATOM)
    return _ATOM


def _print_operand(expression: Expression, level: int) -> str:
    """Prints `expression`, in brackets if its precedence is lower than `level`."""
    printed = _print(expression)
    return _brackets(printed) if _precedence(expression) < level else printed


def _brackets(inside: str) -> str:
    return _row(f"<mo>(</mo>{inside}<mo>)</mo>")


def _row(inside: str) -> str:
    return f"<mrow>{inside}</mrow>"
