"""Derived expressions as MathML and as short text."""

import re

import sympy
from sympy.printing.mathml import mathml

THIN = '<mspace width="0.17em"/>'
_REPLACEMENTS = {
    "<mo>&InvisibleTimes;</mo>": THIN,
    "&ExponentialE;": "e",
    "<mo>-</mo>": "<mo>−</mo>",
    "<mn>-": "<mn>−",
    "<mo><</mo>": "<mo>&lt;</mo>",
}


def expression_to_mathml(expression: sympy.Expr) -> str:
    """The content of a `<math>` element; a piecewise expression becomes a table of cases."""
    if isinstance(expression, sympy.Piecewise):
        rows = "".join(_print_case(value, condition) for value, condition in expression.args)
        return f"<mrow><mo>{{</mo><mtable>{rows}</mtable></mrow>"
    printed = mathml(expression, printer="presentation")
    for markup, replacement in _REPLACEMENTS.items():
        printed = printed.replace(markup, replacement)
    return printed


def _print_case(value: sympy.Expr, condition: sympy.Basic) -> str:
    if condition == sympy.true:
        where = "<mtext>otherwise</mtext>"
    else:
        where = expression_to_mathml(condition)
    return f"<mtr><mtd>{expression_to_mathml(value)}</mtd><mtd>{where}</mtd></mtr>"


def print_equation(*sides: str | sympy.Expr) -> str:
    """A displayed equation. Sides that are strings are printed by `notation_to_mathml`."""
    parts = [
        notation_to_mathml(side) if isinstance(side, str) else expression_to_mathml(side)
        for side in sides
    ]
    return f'<math display="block"><mrow>{"<mo>=</mo>".join(parts)}</mrow></math>'


def notation_to_mathml(text: str) -> str:
    """Short mathematical notation as MathML; `p_data`, `u*` and `x²` get sub- and superscripts."""
    return "".join(map(_print_token, re.findall(r"[uD]\*|√?\w_\w+|\w+|[^\w\s]", text)))


def _print_token(token: str) -> str:
    if token in _WORDS:
        return _WORDS[token]
    if token.startswith("√") and len(token) > 1:
        return f"<msqrt>{_print_token(token[1:])}</msqrt>"
    if token.endswith("*") and len(token) > 1:
        return f"<msup><mi>{token[0]}</mi><mo>*</mo></msup>"
    if "_" in token:
        name, below = token.split("_")
        return f"<msub><mi>{name}</mi><mi>{below}</mi></msub>"
    if token.endswith("²") and len(token) > 1:
        return f"<msup><mi>{token[:-1]}</mi><mn>2</mn></msup>"
    if token[0].isnumeric():
        return f"<mn>{token}</mn>"
    return f"<mi>{token}</mi>" if token[0].isalpha() else f"<mo>{token}</mo>"


_WORDS = {
    "log": f"{THIN}<mi>log</mi>{THIN}",
    "dx": f"{THIN}<mi>d</mi><mi>x</mi>",
    "at": "<mtext>\u00a0at\u00a0</mtext>",
}


def print_number(number: sympy.Expr) -> str:
    """An exact number in plain text, such as −2 log 2 or 1/8."""
    plain = str(number).replace("oo", "∞").replace("*log(", " log(")
    plain = plain.replace("**", "^").replace("*", "·").replace("-", "−")
    return re.sub(r"log\((\d+)\)(?!/)", r"log \1", plain)


def print_value(factor: sympy.Expr, name: str, constant: sympy.Expr) -> str:
    """`factor`·`name` + `constant` in plain text, with n·log m written as log mⁿ."""
    leading = {1: "", -1: "−"}.get(factor, f"{print_number(factor)}·")
    if constant == 0:
        return leading + name
    sign = "−" if constant.is_negative else "+"
    return f"{leading}{name} {sign} {print_number(_merge_logarithm(abs(constant)))}"


def _merge_logarithm(number: sympy.Expr) -> sympy.Expr:
    """n·log m as log mⁿ if n ≤ 4, other numbers unchanged."""
    factor, rest = number.as_coeff_Mul()
    if isinstance(rest, sympy.log) and factor.is_Integer and factor <= 4:
        return sympy.log(rest.args[0] ** factor)
    return number
