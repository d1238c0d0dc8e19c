"""The stage that proves: what follows from an objective's two formulas, derived and checked."""
