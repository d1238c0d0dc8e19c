"""The parts an expression is made of."""

from dataclasses import dataclass


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
