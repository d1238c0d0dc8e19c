"""The theory stage: derives what follows from an objective's two formulas, and checks it."""
