"""Formulas of objectives: one checked text, from which come torch, sympy and MathML.

`parse` is the only door. The three ways out live in modules of their own, so that reading a study
imports neither torch nor sympy: `Formula.mathml`, `torch_loss.compile_loss`, `symbolic.to_sympy`.
"""

from ganbench.formula.expression import Formula, FormulaError, parse

__all__ = ["Formula", "FormulaError", "parse"]
