"""Derived expressions as MathML and as short text."""

import re

import sympy
from sympy.printing.mathml import mathml

THIN = '<mspace width="0.17em"/>'
_ENTITIES = {
    "<mo>&InvisibleTimes;</mo>": THIN,
    "&ExponentialE;": "e",
    "<mo>-</mo>": "<mo>−</mo>",
    "<mn>-": "<mn>−",
    "<mo><</mo>": "<mo>&lt;</mo>",
}


def shown(expression: sympy.Expr) -> str:
    """The inside of a `<math>` element; cases as a table."""
    if isinstance(expression, sympy.Piecewise):
        rows = "".join(_case(value, condition) for value, condition in expression.args)
        return f"<mrow><mo>{{</mo><mtable>{rows}</mtable></mrow>"
    printed = mathml(expression, printer="presentation")
    for entity, character in _ENTITIES.items():
        printed = printed.replace(entity, character)
    return printed


def _case(value: sympy.Expr, condition: sympy.Basic) -> str:
    where = "<mtext>otherwise</mtext>" if condition == sympy.true else shown(condition)
    return f"<mtr><mtd>{shown(value)}</mtd><mtd>{where}</mtd></mtr>"


def equation(*sides: str | sympy.Expr) -> str:
    """One displayed line: the sides, with equality signs between. Text is taken as names."""
    parts = [named(side) if isinstance(side, str) else shown(side) for side in sides]
    return f'<math display="block"><mrow>{"<mo>=</mo>".join(parts)}</mrow></math>'


def named(text: str) -> str:
    """A few words of mathematics, `p_data` and `p_g` with their subscripts."""
    return "".join(map(_token, re.findall(r"[uD]\*|√?\w_\w+|\w+|[^\w\s]", text)))


def _token(token: str) -> str:
    if token in _WORDS:
        return _WORDS[token]
    if token.startswith("√") and len(token) > 1:
        return f"<msqrt>{_token(token[1:])}</msqrt>"
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


def text(number: sympy.Expr) -> str:
    """A number in plain text: −2 log 2, 1/8, −1."""
    plain = str(number).replace("oo", "∞").replace("*log(", " log(").replace("*", "·")
    return re.sub(r"log\((\d+)\)", r"log \1", plain).replace("-", "−")


def value_text(factor: sympy.Expr, name: str, constant: sympy.Expr) -> str:
    """`factor`·`name` + `constant`, with a multiple of a logarithm as one logarithm."""
    leading = {1: "", -1: "−"}.get(factor, f"{text(factor)}·")
    if constant == 0:
        return leading + name
    sign = "−" if constant.is_negative else "+"
    return f"{leading}{name} {sign} {text(_one_logarithm(abs(constant)))}"


def _one_logarithm(size: sympy.Expr) -> sympy.Expr:
    """n·log m as log mⁿ where that is a short number, anything else as it is."""
    factor, rest = size.as_coeff_Mul()
    if isinstance(rest, sympy.log) and factor.is_Integer and factor <= 4:
        return sympy.log(rest.args[0] ** factor)
    return size
