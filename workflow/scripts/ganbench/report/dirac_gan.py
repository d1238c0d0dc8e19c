"""The Dirac-GAN of Mescheder et al. 2018, Section 2, played by the rules of a run.

All real samples are the point 0 and all generated ones the point θ; D(x) = u* + ψx with the fixed
u* that is best at the equilibrium ψ = θ = 0. So a real logit is u*, a fake one u* + ψθ, and one
step is a map of the plane (ψ, θ) with eigenvalues at the equilibrium. Steps are plain gradient
steps of one size, without moments: an optimizer that divides by them has no eigenvalues.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ganbench.catalogue.objectives import Objective, read_objective
from ganbench.catalogue.updates import CONSENSUS_WEIGHT, find_updates
from ganbench.formula.derivative import differentiate
from ganbench.formula.language import Expression, Formula
from ganbench.formula.numpy_loss import evaluate
from ganbench.formula.pointwise import find_pointwise_game

START = (0.3, 1.0)
LARGEST_STEP = 0.1
LARGEST_CHANGE = 0.5
"""The largest share of ψ that a penalty or consensus takes away in one step."""
ON_THE_CIRCLE = 1e-7
"""Moduli this close to 1 are 1."""
FAR = 100.0
"""Where a trajectory has left the equilibrium for good."""
OBSERVED_TIME = 100.0
"""Length of an observed trajectory: its steps times their size."""
_DISCRIMINATOR, _GENERATOR = (0,), (1,)
_SLOPE_PENALTIES = ("gradient_penalty", "dragan")
_SIZE_PENALTIES = ("r1", "r2")
PENALTIES = (*_SIZE_PENALTIES, *_SLOPE_PENALTIES)


@dataclass(frozen=True)
class DiracGame:
    """A game in (ψ, θ); `options` are those of each regularizer, by name."""

    objective: Objective
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    updates: str = "alternating"
    consensus_weight: float = CONSENSUS_WEIGHT
    discriminator_steps: int = 1

    @cached_property
    def logit(self) -> float:
        """u*: the best logit where p_g = p_data, 0 if there is none or more than one."""
        game = find_pointwise_game(self.objective.discriminator)
        return (game and game.logit_at_equilibrium()) or 0.0

    @cached_property
    def _slopes(self) -> list[tuple[Expression, Expression]]:
        """First and second derivative by f of both losses."""
        return [
            _differentiate_twice(formula)
            for formula in (self.objective.discriminator, self.objective.generator)
        ]

    def _slopes_at(self, product: float, order: int = 0) -> list[float]:
        """The first or, with `order` 1, the second of both at f = u* + `product`."""
        logits = self.logit, self.logit + product
        return [float(evaluate(slopes[order], *logits)) for slopes in self._slopes]

    @property
    def is_smooth(self) -> bool:
        """Whether the field has derivatives at the equilibrium."""
        return not {"spectral_norm", *_SLOPE_PENALTIES} & set(self.options)

    @cached_property
    def step_size(self) -> float:
        """The size of a gradient step: 0.1, or less where a penalty would overshoot."""
        stiffness = sum(self.options.get(name, {}).get("weight", 0.0) for name in PENALTIES)
        if self.updates == "consensus":
            stiffness += self.consensus_weight * max(slope**2 for slope in self._slopes_at(0.0))
        return min(LARGEST_STEP, LARGEST_CHANGE / stiffness) if stiffness else LARGEST_STEP

    def field_at(self, state: np.ndarray) -> np.ndarray:
        """v = (∂L_D/∂ψ, ∂L_G/∂θ) at (ψ, θ), with the penalties."""
        psi, theta = state[:2]
        if "spectral_norm" in self.options:  # D(x) = u* + sign(ψ)x, whatever ψ is
            side = np.sign(psi)
            _, slope = self._slopes_at(side * theta)
            return np.array([0.0, slope * side])
        of_discriminator, of_generator = self._slopes_at(psi * theta)
        penalty = self._penalise(psi, theta)
        return np.array([of_discriminator * theta + penalty, of_generator * psi])

    def _penalise(self, psi: float, theta: float) -> float:
        """The derivative by ψ of all penalties; ∇D is ψ everywhere, on average over lazy steps.

        LeCam's averages of both kinds are u*; flips and shifts do not exist for points.
        """
        total = 0.0
        for name, options in self.options.items():
            if name in _SIZE_PENALTIES:
                total += options["weight"] * psi
            elif name in _SLOPE_PENALTIES:
                total += 2 * options["weight"] * (abs(psi) - 1) * np.sign(psi)
            elif name == "lecam":
                total += 2 * options["weight"] * psi * theta**2
        return total

    def _slope_of_norm(self, state: np.ndarray) -> np.ndarray:
        """∇ ½‖v‖² without penalties, which consensus does not go with."""
        psi, theta = state[:2]
        (a, b), (a_slope, b_slope) = (self._slopes_at(psi * theta, order) for order in (0, 1))
        shared = theta**2 * a * a_slope + psi**2 * b * b_slope
        return np.array([theta * shared + psi * b**2, psi * shared + theta * a**2])

    def constrain(self, state: np.ndarray) -> np.ndarray:
        """The state after a constraint on the weights."""
        if "weight_clip" in self.options:
            limit = self.options["weight_clip"]["limit"]
            state = np.concatenate([np.clip(state[:1], -limit, limit), state[1:]])
        return state

    def step(self, state: np.ndarray) -> np.ndarray:
        """One step of training: (ψ, θ), and for optimistic updates the two former steps too."""
        for _ in range(self.discriminator_steps - 1):
            state = self._move(state, self.field_at(state), _DISCRIMINATOR)
        match self.updates:
            case "alternating":
                state = self._move(state, self.field_at(state), _DISCRIMINATOR)
                return self._move(state, self.field_at(state), _GENERATOR)
            case "extragradient":
                ahead = self._move(state, self.field_at(state))
                return self._move(state, self.field_at(ahead))
            case "consensus":
                slope = self.consensus_weight * self._slope_of_norm(state)
                return self._move(state, self.field_at(state) + slope)
        return self._move(state, self.field_at(state))

    def _move(
        self, state: np.ndarray, direction: np.ndarray, players: tuple[int, ...] = (0, 1)
    ) -> np.ndarray:
        state = state.copy()
        for player in players:
            change = self.step_size * direction[player]
            if self.updates == "optimistic":
                state[player] += state[2 + player] - change
                state[2 + player] = change
            state[player] -= change
        return self.constrain(state)

    def start(self) -> np.ndarray:
        """Where trajectories begin."""
        return np.array([*START, 0.0, 0.0] if self.updates == "optimistic" else START)

    def play(self, steps: int, far: float = FAR) -> np.ndarray:
        """The states `(steps + 1 or fewer, 2)` from the start until one is `far` away."""
        state = self.constrain(self.start())
        states = [state[:2]]
        for _ in range(steps):
            state = self.step(state)
            states.append(state[:2])
            if not np.linalg.norm(state[:2]) < far:
                break
        return np.array(states)

    @cached_property
    def eigenvalues(self) -> np.ndarray | None:
        """Those of one step at the equilibrium, largest first; None where it is not smooth."""
        if not self.is_smooth:
            return None
        size, small = len(self.start()), 1e-4
        columns = [
            (self.step(small * unit) - self.step(-small * unit)) / (2 * small)
            for unit in np.eye(size)
        ]
        values = np.linalg.eigvals(np.stack(columns, axis=1))
        return values[np.argsort(-np.abs(values), kind="stable")]

    @cached_property
    def behaviour(self) -> str:
        """`converges`, `cycles` or `diverges`, near the equilibrium."""
        if "spectral_norm" in self.options:  # D cannot turn: the generator does not come back
            return "diverges"
        if self.eigenvalues is None:
            return self._observe()
        largest = float(np.abs(self.eigenvalues[0]))
        if abs(largest - 1) < ON_THE_CIRCLE:
            return "cycles"
        return "converges" if largest < 1 else "diverges"

    @property
    def observed_steps(self) -> int:
        """The length of a trajectory that shows where there are no eigenvalues."""
        return round(OBSERVED_TIME / self.step_size)

    def _observe(self) -> str:
        """What a long trajectory does."""
        steps = self.observed_steps
        distances = np.linalg.norm(self.play(steps), axis=1)
        if not distances[-1] < FAR:
            return "diverges"
        early, late = distances[steps // 4 : steps // 2].max(), distances[3 * steps // 4 :].max()
        if late < 0.9 * early or late < 1e-3:
            return "converges"
        return "diverges" if late > 1.1 * early else "cycles"


def _differentiate_twice(formula: Formula) -> tuple[Expression, Expression]:
    first = differentiate(formula.expression, "f")
    return first, differentiate(first, "f")


def list_dirac_games(study: Mapping[str, Any]) -> list[tuple[DiracGame, list[str]]]:
    """Each different game of a resolved study, with the variants that play it.

    Auto-encoders as discriminators have no logits, so BEGAN is left out.
    """
    games: dict[str, tuple[DiracGame, list[str]]] = {}
    for runs in study["runs"].values():
        for variant, parameters in runs.items():
            if parameters["objective"].get("balance"):
                continue
            game = _make_game(parameters)
            _, variants = games.setdefault(repr(game), (game, []))
            if variant not in variants:
                variants.append(variant)
    return list(games.values())


def _make_game(parameters: Mapping[str, Any]) -> DiracGame:
    definition = parameters["objective"]
    return DiracGame(
        objective=read_objective(definition["name"], definition),
        options=parameters["regularizers"],
        updates=find_updates(parameters),
        consensus_weight=parameters.get("consensus_weight", CONSENSUS_WEIGHT),
        discriminator_steps=parameters["discriminator_steps"],
    )
