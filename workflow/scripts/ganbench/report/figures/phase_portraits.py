"""Phase portraits of the Dirac-GAN, one for each different game of the study."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from ganbench.report.dirac_gan import DiracGame, list_dirac_games
from ganbench.report.figures.drawing import Drawing, Sketch, choose_colour, finish, open_figure
from ganbench.report.figures.svg import FAINT, INK
from ganbench.report.results import Results

STEPS = 400
POINTS = 200
"""The most points of a trajectory that are drawn."""
EDGE = 1.6
GRID = np.linspace(-1.4, 1.4, 8)


def sketch_phase_portraits(results: Results) -> list[Sketch]:
    """How steps of each game move around the equilibrium of the Dirac-GAN."""
    return [
        partial(_draw_portrait, results, game, variants, number)
        for number, (game, variants) in enumerate(list_dirac_games(results.study))
    ]


def _draw_portrait(results: Results, game: DiracGame, variants: list[str], number: int) -> Drawing:
    states = game.play(STEPS, far=3 * EDGE)
    colour = choose_colour(results.variants.index(variants[0]))
    title = f"{', '.join(variants)}: {game.behaviour}"
    with open_figure(height=3.0) as (figure, (axes,)):
        _draw_field(axes, game)
        every = -(-len(states) // POINTS)
        axes.plot(*states[::every].T, color=colour, lw=1.2)
        axes.plot(*states[:1].T, color=colour, marker="o", ms=4, ls="none")
        axes.plot([0], [0], color=INK, marker="+", ms=8, ls="none")
        axes.set(title=_shorten(title, game), xlabel="ψ, the slope of D", ylabel="θ, the samples")
        axes.set(xlim=(-EDGE, EDGE), ylim=(-EDGE, EDGE))
        axes.grid(False)
        name = f"phase-portrait-{number}"
        return finish(figure, name, title, describe_game(game, variants), {})


def _shorten(title: str, game: DiracGame) -> str:
    return title if len(title) <= 44 else f"{game.objective.name} and others: {game.behaviour}"


def _draw_field(axes: Axes, game: DiracGame) -> None:
    """Short strokes along −v, the direction of simultaneous steps."""
    strokes = []
    for psi in GRID:
        for theta in GRID:
            direction = -game.field_at(np.array([psi, theta]))
            size = np.linalg.norm(direction)
            if size > 0:
                end = np.array([psi, theta]) + 0.16 * direction / size
                strokes += [[psi, theta], end, [np.nan, np.nan]]
    if strokes:
        axes.plot(*np.array(strokes).T, color=FAINT, lw=0.8)


def describe_game(game: DiracGame, variants: list[str]) -> str:
    """The game, its eigenvalues, and what they say."""
    names = [f"{game.updates} updates", *map(_name_regularizer, game.options.items())]
    if game.discriminator_steps > 1:
        names.append(f"{game.discriminator_steps} updates of D a step")
    text = f"{', '.join(variants)}: {game.objective.name} with {', '.join(names)}. "
    return text + _describe_behaviour(game)


def _name_regularizer(named_options: tuple[str, Mapping]) -> str:
    name, options = named_options
    size = options.get("weight", options.get("limit"))
    return f"{name} {size:g}" if size is not None else name


def _describe_behaviour(game: DiracGame) -> str:
    step = f"h = {game.step_size:.3g}"
    if game.eigenvalues is not None:
        leading = game.eigenvalues[:2]
        values = f"{_print_pair(leading)}, of modulus {_print_modulus(leading[0])}"
        return f"Eigenvalues of a step at the equilibrium, {step}: {values}. It {game.behaviour}."
    if "spectral_norm" in game.options:
        return (
            "No eigenvalues: spectral normalisation leaves D no slope but 1 and −1, so that the "
            "generator passes the data and does not come back. It diverges."
        )
    return (
        "No eigenvalues: the penalty has a kink at ψ = 0, from which it pushes D’s slope towards "
        f"±1. Over {game.observed_steps:,} steps, {step}, it {game.behaviour}."
    )


def _print_pair(values: np.ndarray) -> str:
    first, second = values
    if abs(first.imag) < 1e-9:
        return f"{_print(first.real)} and {_print(second.real)}"
    return f"{_print(first.real)} ± {abs(first.imag):.4g}i"


def _print_modulus(value: complex) -> str:
    size = abs(value)
    return "1" if abs(size - 1) < 1e-7 else f"{size:.6g}"


def _print(value: float) -> str:
    return f"{value + 0.0:.4g}".replace("-", "−")
