"""The language of formulas: a small whitelisted parser over `ast`. No text is run as code.

A formula speaks of the discriminator's logits: `r` on real samples, `f` on fake ones. Everything
that is not in `FUNCTIONS`, `OPERATORS`, `VARIABLES`, a number or a named constant is refused.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Number:
    """A number, or any part of a formula that holds numbers only, folded."""

    value: float


@dataclass(frozen=True)
class Variable:
    """`r` or `f`."""

    name: str


@dataclass(frozen=True)
class Apply:
    """A function or operator on its arguments. `-` on one argument is the negation."""

    function: str
    arguments: tuple["Expression", ...]


Expression = Number | Variable | Apply


VARIABLES = ("r", "f")
FUNCTIONS: dict[str, int] = {
    "softplus": 1,
    "sigmoid": 1,
    "log": 1,
    "exp": 1,
    "tanh": 1,
    "relu": 1,
    "abs": 1,
    "square": 1,
    "sqrt": 1,
    "mean": 1,
    "maximum": 2,
    "minimum": 2,
}
"""Name and number of arguments. `mean` is over the batch."""
OPERATORS: dict[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}
ARITHMETIC: dict[tuple[str, int], Callable[..., Any]] = {
    ("+", 2): operator.add,
    ("-", 2): operator.sub,
    ("-", 1): operator.neg,
    ("*", 2): operator.mul,
    ("/", 2): operator.truediv,
    ("**", 2): operator.pow,
}
"""Operators by name and number of arguments: one for numbers, arrays, tensors and sympy alike."""
ALLOWED = (
    "r, f, numbers, + - * / **, the functions " + " ".join(FUNCTIONS) + " and the named constants"
)
LONGEST = 400
DEEPEST = 24
LARGEST = 1e6
HIGHEST_POWER = 8.0


class FormulaError(ValueError):
    """A formula that is not one; the message names the column and what is allowed there."""

    def __init__(self, text: str, column: int, problem: str) -> None:
        shown = text if len(text) <= 80 else text[:77] + "…"
        super().__init__(f"{shown!r}, column {column}: {problem}")
        self.column = column

    def within(self, place: str) -> "FormulaError":
        """The same error, its message led by where the formula stands."""
        self.args = (f"{place}: {self.args[0]}",)
        return self


@dataclass(frozen=True)
class Formula:
    """A checked formula: its text as written and its expression with constants put in."""

    text: str
    expression: Expression

    @property
    def variables(self) -> frozenset[str]:
        """Which of `r` and `f` the formula uses."""
        return frozenset(_variables(self.expression))


def _variables(expression: Expression) -> set[str]:
    if isinstance(expression, Variable):
        return {expression.name}
    if isinstance(expression, Apply):
        return set().union(*map(_variables, expression.arguments))
    return set()


def parse(text: str, constants: Mapping[str, float] | None = None) -> Formula:
    """The checked formula of `text`.

    `constants` are names that stand for numbers. Raises FormulaError with the column (from 1) for
    anything outside the language, too long, too deep, or without a finite value.
    """
    text = text.strip()
    if len(text) > LONGEST:
        raise FormulaError(text, LONGEST + 1, f"longer than {LONGEST} characters")
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        problem = f"not a formula ({error.msg}); allowed: {ALLOWED}"
        # Python gives no column for a formula that ends too early
        raise FormulaError(text, error.offset or len(text) + 1, problem) from None
    except (ValueError, MemoryError, RecursionError):
        raise FormulaError(text, 1, f"not a formula; allowed: {ALLOWED}") from None
    return Formula(text, _Reader(text, constants or {}).read(tree.body, 1))


class _Reader:
    """Turns `ast` nodes into expressions, refusing whatever the language does not have."""

    def __init__(self, text: str, constants: Mapping[str, float]) -> None:
        self.text = text
        self.constants = constants

    def refuse(self, node: ast.AST, problem: str) -> FormulaError:
        # ast counts columns in UTF-8 bytes and from 0
        before = self.text.encode()[: getattr(node, "col_offset", 0)]
        column = len(before.decode(errors="ignore")) + 1
        return FormulaError(self.text, column, f"{problem}; allowed: {ALLOWED}")

    def read(self, node: ast.AST, depth: int) -> Expression:
        if depth > DEEPEST:
            raise self.refuse(node, f"nested deeper than {DEEPEST}")
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return self.number(node, value)
            case ast.Name(id=name):
                return self.name(node, name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.apply(node, "-", (self.read(operand, depth + 1),))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand, depth + 1)
            case ast.BinOp(op=symbol, left=left, right=right) if type(symbol) in OPERATORS:
                arguments = (self.read(left, depth + 1), self.read(right, depth + 1))
                return self.apply(node, OPERATORS[type(symbol)], arguments)
            case ast.Call(func=ast.Name(id=name), args=given, keywords=[]):
                return self.call(node, name, given, depth)
        raise self.refuse(node, f"{ast.unparse(node)[:40]!r} is not part of the language")

    def number(self, node: ast.AST, value: float) -> Number:
        if not abs(value) <= LARGEST:  # also refuses infinity and nan
            raise self.refuse(node, f"a number beyond ±{LARGEST:g}")
        return Number(float(value))

    def name(self, node: ast.AST, name: str) -> Expression:
        if name in VARIABLES:
            return Variable(name)
        if name in self.constants:
            return self.number(node, self.constants[name])
        known = f" (constants: {', '.join(sorted(self.constants))})" if self.constants else ""
        raise self.refuse(node, f"unknown name {name!r}{known}")

    def call(self, node: ast.AST, name: str, given: list[ast.expr], depth: int) -> Expression:
        if name not in FUNCTIONS:
            raise self.refuse(node, f"unknown function {name!r}")
        if len(given) != FUNCTIONS[name]:
            problem = f"{name} takes {FUNCTIONS[name]} argument(s), found {len(given)}"
            raise self.refuse(node, problem)
        return self.apply(node, name, tuple(self.read(each, depth + 1) for each in given))

    def apply(self, node: ast.AST, name: str, arguments: tuple[Expression, ...]) -> Expression:
        if name == "**":
            exponent = arguments[1]
            if not isinstance(exponent, Number) or abs(exponent.value) > HIGHEST_POWER:
                raise self.refuse(node, f"an exponent is a number up to {HIGHEST_POWER:g}")
        if not all(isinstance(each, Number) for each in arguments):
            return Apply(name, arguments)
        return self.fold(node, name, [each.value for each in arguments])

    def fold(self, node: ast.AST, name: str, values: list[float]) -> Number:
        try:
            value = _ON_NUMBERS[name, len(values)](*values)
        except (ArithmeticError, ValueError):
            value = math.nan
        if isinstance(value, complex) or not math.isfinite(value):
            raise self.refuse(node, f"{ast.unparse(node)[:40]!r} has no finite value")
        return self.number(node, value)


_ON_NUMBERS = {
    **ARITHMETIC,
    ("softplus", 1): lambda a: max(a, 0.0) + math.log1p(math.exp(-abs(a))),
    ("sigmoid", 1): lambda a: 0.5 * (1.0 + math.tanh(0.5 * a)),
    ("log", 1): math.log,
    ("exp", 1): math.exp,
    ("tanh", 1): math.tanh,
    ("relu", 1): lambda a: max(a, 0.0),
    ("abs", 1): abs,
    ("square", 1): lambda a: a * a,
    ("sqrt", 1): math.sqrt,
    ("mean", 1): lambda a: a,
    ("maximum", 2): max,
    ("minimum", 2): min,
}
