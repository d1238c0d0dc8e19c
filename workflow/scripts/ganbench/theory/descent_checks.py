"""Checks by quadrature that a generator's gradient at D* is that of the derived divergence."""

from collections.abc import Callable

import numpy as np

from ganbench.theory.descent import Descent
from ganbench.theory.proof_checks import Check, largest_error

EXACT_TOLERANCE = 1e-8
TABLE_TOLERANCE = 1e-5
PAIRS = ((0.0, 1.0, 1.0, 1.0), (0.0, 1.0, 0.5, 1.1))
"""Mean and standard deviation of p_data, then of p_g."""
_EDGES = np.linspace(-11.0, 11.0, 441)
_NODES, _SHARES = np.polynomial.legendre.leggauss(4)
_STEP = 0.004
_STENCIL = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
"""Weights of the sixth-order central difference."""

LogRatioFunction = Callable[[np.ndarray], np.ndarray]


def check_gradient_of_divergence(descent: Descent, h: LogRatioFunction, tolerance: float) -> Check:
    """Compares ∂/∂θ ∫ p_θ h(p_data/p_θ) dx with ∂/∂θ ∫ p_θ g(u*) dx where u* stands still.

    θ is the mean and the logarithm of the standard deviation of p_g. On the left the integral is
    differenced; on the right u* is solved from the discriminator's formula and g is evaluated as
    written. `h` is a function of log t.
    """
    error = 0.0
    for *data, mean, std in PAIRS:
        of_loss = _differentiate_loss(descent, data, mean, std)
        of_divergence = [
            sum(
                sign * weight * _integrate(descent, h, data, _move(mean, std, sign * n * change))
                for n, weight in _STENCIL.items()
                for sign in (1, -1)
            )
            / _STEP
            for change in np.eye(2)
        ]
        error = max(error, largest_error(of_divergence, of_loss))
    name = f"Gradient of ∫ p_g h and of L_G at D*, quadrature on {len(PAIRS)} pairs of Gaussians"
    return Check(name, error, tolerance)


def _move(mean: float, std: float, change: np.ndarray) -> tuple[float, float]:
    return mean + _STEP * change[0], std * np.exp(_STEP * change[1])


def _integrate(
    descent: Descent, h: LogRatioFunction, data: list[float], generated: tuple[float, float]
) -> float:
    """∫ p_g h(p_data/p_g) dx."""
    x, shares = _place(descent, data, generated)
    log_generated = _log_normal(x, *generated)
    return float(shares @ (np.exp(log_generated) * h(_log_normal(x, *data) - log_generated)))


def _differentiate_loss(descent: Descent, data: list[float], mean: float, std: float) -> np.ndarray:
    """∫ ∂p_g/∂θ g(u*) dx by both θ."""
    x, shares = _place(descent, data, (mean, std))
    log_generated, standard = _log_normal(x, mean, std), (x - mean) / std
    losses = descent.loss_at(_log_normal(x, *data) - log_generated) - descent.offset
    scores = np.stack([standard / std, standard**2 - 1])
    return scores @ (shares * np.exp(log_generated) * losses)


def _log_normal(x: np.ndarray, mean: float, std: float) -> np.ndarray:
    return -(((x - mean) / std) ** 2) / 2 - np.log(std * np.sqrt(2 * np.pi))


def _place(
    descent: Descent, data: list[float], generated: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and their shares, on panels that end where G may jump."""
    edges = np.unique(np.concatenate([_EDGES, *_find_crossings(descent.jumps, data, generated)]))
    half, middle = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
    return (middle[:, None] + half[:, None] * _NODES).ravel(), (half[:, None] * _SHARES).ravel()


def _find_crossings(
    jumps: np.ndarray, data: list[float], generated: tuple[float, float]
) -> list[np.ndarray]:
    """Where log(p_data/p_g), a quadratic function of x, is one of `jumps`."""
    x = np.array([-1.0, 0.0, 1.0])
    coefficients = np.polyfit(x, _log_normal(x, *data) - _log_normal(x, *generated), 2)
    coefficients[np.abs(coefficients) < 1e-12] = 0.0
    crossings = []
    for jump in jumps:
        roots = np.roots(coefficients - [0.0, 0.0, jump])
        real = roots.real[np.abs(roots.imag) < 1e-9]
        crossings.append(real[np.abs(real) < _EDGES[-1]])
    return crossings
