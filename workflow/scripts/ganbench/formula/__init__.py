"""Formulas of objectives: one checked text becomes a torch loss, a sympy expression and MathML."""
