"""Curves that lie on top of each other, of which a figure shows only the last."""

from collections.abc import Mapping, Sequence

import numpy as np

from ganbench.wording import listing

CLOSE = 5e-3
"""A difference that cannot be seen, as a share of the largest value."""


def describe_coinciding(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> str:
    """A sentence that names the curves, by x and y, that coincide; empty if none do.

    It begins with a space.
    """
    groups: list[list[str]] = []
    for name, curve in curves.items():
        group = next((group for group in groups if _coincide(curves[group[0]], curve)), None)
        if group is None:
            groups.append([name])
        else:
            group.append(name)
    shared = [listing(group, len(group)) for group in groups if len(group) > 1]
    return f" On top of each other: {'; '.join(shared)}." if shared else ""


def _coincide(
    first: tuple[Sequence[float], Sequence[float]], second: tuple[Sequence[float], Sequence[float]]
) -> bool:
    """Whether both curves have the same x and cannot be told apart."""
    if len(first[0]) != len(second[0]) or not np.allclose(first[0], second[0]):
        return False
    one, other = np.asarray(first[1], dtype=float), np.asarray(second[1], dtype=float)
    size = max(np.nanmax(np.abs(one), initial=0.0), np.nanmax(np.abs(other), initial=0.0))
    return bool(np.allclose(one, other, rtol=0, atol=CLOSE * size, equal_nan=True))
