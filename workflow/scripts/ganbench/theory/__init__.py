"""The classical proof, executed: what follows from an objective's two formulas, and checked.

`derive` is the only door. `integrand`, `optimum`, `divergences` and `weight` are its four steps,
`checks` holds them against numbers, `wording` says them.
"""

from ganbench.theory.checks import ProofError
from ganbench.theory.derivation import derive

__all__ = ["ProofError", "derive"]
