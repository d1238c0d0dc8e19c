"""Known densities and the metrics of points drawn from them: scores that theory can check."""
