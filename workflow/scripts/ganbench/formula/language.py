"""The formula language: a whitelisting parser built on `ast`. It never executes the text.

A formula is written in the discriminator's logits: `r` on real samples, `f` on fake ones. The
parser accepts `VARIABLES`, `FUNCTIONS`, `OPERATORS`, numbers and named constants, nothing else.
"""

import ast
import math
import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Number:
    """A number. A subexpression without variables is folded into one."""

    value: float


@dataclass(frozen=True)
class Variable:
    """`r`, `f`, or a number that moves while training."""

    name: str


@dataclass(frozen=True)
class Apply:
    """A function or operator applied to its arguments. `-` with one argument is negation."""

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
"""Number of arguments by name. `mean` is the mean over the batch."""
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
"""Operators by name and number of arguments, for numbers, arrays, tensors and sympy alike."""
ALLOWED = (
    "r, f, numbers, + - * / **, the functions " + " ".join(FUNCTIONS) + " and the named constants"
)
LONGEST = 400
DEEPEST = 24
LARGEST_NUMBER = 1e6
LARGEST_EXPONENT = 8.0


class FormulaError(ValueError):
    """An invalid formula. The message names the column, the problem and what is allowed."""

    def __init__(self, text: str, column: int, problem: str) -> None:
        excerpt = text if len(text) <= 80 else text[:77] + "…"
        super().__init__(f"{excerpt!r}, column {column}: {problem}")
        self.column = column

    def add_place(self, place: str) -> "FormulaError":
        """Puts `place`, where the formula is defined, before the message; returns the error."""
        self.args = (f"{place}: {self.args[0]}",)
        return self


@dataclass(frozen=True)
class Formula:
    """A valid formula: its text as written, and its expression with constants substituted."""

    text: str
    expression: Expression

    @property
    def variables(self) -> frozenset[str]:
        """Which of `r`, `f` and the numbers that move while training the formula uses."""
        return frozenset(_find_variables(self.expression))

    @property
    def states(self) -> frozenset[str]:
        """Which numbers that move while training it uses."""
        return self.variables.difference(VARIABLES)


def _find_variables(expression: Expression) -> set[str]:
    if isinstance(expression, Variable):
        return {expression.name}
    if isinstance(expression, Apply):
        return set().union(*map(_find_variables, expression.arguments))
    return set()


def parse(
    text: str, constants: Mapping[str, float] | None = None, states: Collection[str] = ()
) -> Formula:
    """Reads `text` as a formula in which the names in `constants` are numbers.

    `states` are the names of numbers that move while training.

    Raises FormulaError, with the column (from 1), where the text leaves the language, is too long
    or too deeply nested, or holds a number without a finite value.
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
    return Formula(text, _Reader(text, constants or {}, states).read(tree.body, 1))


class _Reader:
    """Converts `ast` nodes to expressions and rejects every node outside the language."""

    def __init__(self, text: str, constants: Mapping[str, float], states: Collection[str]) -> None:
        self.text = text
        self.constants = constants
        self.states = states

    def error(self, node: ast.AST, problem: str) -> FormulaError:
        # ast counts columns in UTF-8 bytes and from 0
        before = self.text.encode()[: getattr(node, "col_offset", 0)]
        column = len(before.decode(errors="ignore")) + 1
        return FormulaError(self.text, column, f"{problem}; allowed: {ALLOWED}")

    def read(self, node: ast.AST, depth: int) -> Expression:
        if depth > DEEPEST:
            raise self.error(node, f"nested deeper than {DEEPEST}")
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return self.read_number(node, value)
            case ast.Name(id=name):
                return self.read_name(node, name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.apply(node, "-", (self.read(operand, depth + 1),))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand, depth + 1)
            case ast.BinOp(op=symbol, left=left, right=right) if type(symbol) in OPERATORS:
                arguments = (self.read(left, depth + 1), self.read(right, depth + 1))
                return self.apply(node, OPERATORS[type(symbol)], arguments)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self.read_call(node, name, arguments, depth)
        raise self.error(node, f"{ast.unparse(node)[:40]!r} is not part of the language")

    def read_number(self, node: ast.AST, value: float) -> Number:
        if not abs(value) <= LARGEST_NUMBER:  # also rejects infinity and NaN
            raise self.error(node, f"a number beyond ±{LARGEST_NUMBER:g}")
        return Number(float(value))

    def read_name(self, node: ast.AST, name: str) -> Expression:
        if name in VARIABLES or name in self.states:
            return Variable(name)
        if name in self.constants:
            return self.read_number(node, self.constants[name])
        names = f" (constants: {', '.join(sorted(self.constants))})" if self.constants else ""
        raise self.error(node, f"unknown name {name!r}{names}")

    def read_call(
        self, node: ast.AST, name: str, arguments: list[ast.expr], depth: int
    ) -> Expression:
        if name not in FUNCTIONS:
            raise self.error(node, f"unknown function {name!r}")
        if len(arguments) != FUNCTIONS[name]:
            problem = f"{name} takes {FUNCTIONS[name]} argument(s), found {len(arguments)}"
            raise self.error(node, problem)
        return self.apply(node, name, tuple(self.read(part, depth + 1) for part in arguments))

    def apply(self, node: ast.AST, name: str, arguments: tuple[Expression, ...]) -> Expression:
        if name == "**":
            exponent = arguments[1]
            if not isinstance(exponent, Number) or abs(exponent.value) > LARGEST_EXPONENT:
                raise self.error(node, f"an exponent is a number up to {LARGEST_EXPONENT:g}")
        if not all(isinstance(argument, Number) for argument in arguments):
            return Apply(name, arguments)
        return self.fold(node, name, [argument.value for argument in arguments])

    def fold(self, node: ast.AST, name: str, values: list[float]) -> Number:
        try:
            value = NUMBER_FUNCTIONS[name, len(values)](*values)
        except (ArithmeticError, ValueError):
            value = math.nan
        if isinstance(value, complex) or not math.isfinite(value):
            raise self.error(node, f"{ast.unparse(node)[:40]!r} has no finite value")
        return self.read_number(node, value)


NUMBER_FUNCTIONS: dict[tuple[str, int], Callable[..., float]] = {
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
"""Functions of formulas on numbers; the mean is that of one."""
