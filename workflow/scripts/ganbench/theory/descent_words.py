"""What a generator descends, in words: one sentence for the page, and a step of the derivation."""

import math

import sympy

from ganbench.theory.descent_facts import DescentFacts
from ganbench.theory.descent_formula import NamedSum
from ganbench.theory.printing import print_equation
from ganbench.theory.proof_checks import Check
from ganbench.theory.steps import Step, make_step

HARDLY = 1 / 3
"""Dropped modes are hardly punished if they cost less than this share of samples off the data."""

_NAMED = {
    True: "sympy proves the name. ",
    False: "The name was found by comparing h with named divergences at 57 values of t. ",
}

Intervals = list[tuple[float, float]]


def summarise_descent(facts: DescentFacts) -> str:
    """What the descent does, in one or two sentences."""
    if facts.is_flat:
        return "At D* its loss is the same for all samples, so the generator has no gradient."
    if not facts.falls:
        return (
            "Against D* this generator moves away from the data: what it descends is highest where "
            "p_g = p_data."
        )
    if facts.rises:
        return (
            "What it descends is no divergence: h is not convex where t = p_data/p_g is "
            f"{print_intervals(facts.rises)}, and there it pushes p_g away from p_data."
        )
    if facts.moves_at_jumps_only:
        return (
            "Moves samples only across the border between p_g > p_data and p_g < p_data; elsewhere "
            f"D* is flat. {_describe_costs(facts)}"
        )
    return f"{_describe_samples_off_data(facts)} and {_describe_dropped_modes(facts)}."


def _describe_costs(facts: DescentFacts) -> str:
    return (
        f"A sample off the data costs {_print_cost(facts.off_data)}, a dropped mode "
        f"{_print_share(facts.dropped, 'its')}."
    )


def _describe_samples_off_data(facts: DescentFacts) -> str:
    if math.isinf(facts.off_data) and math.isinf(facts.pull_off_data):
        return "Pushes samples off the data with unbounded force"
    if math.isinf(facts.off_data):
        return "Keeps pushing samples off the data, at a cost without bound,"
    return f"Lets go of samples far off the data (at most {_print_cost(facts.off_data)} each)"


def _describe_dropped_modes(facts: DescentFacts) -> str:
    if math.isinf(facts.dropped):
        return "punishes dropped modes without bound"
    limit = f"at most {_print_share(facts.dropped, 'their')}"
    if facts.dropped < HARDLY * facts.off_data:
        return f"hardly punishes dropped modes ({limit})"
    return f"punishes dropped modes within a bound ({limit})"


def _print_share(factor: float, whose: str) -> str:
    """A cost as a multiple of the share of the data in modes."""
    times = "" if math.isclose(factor, 1, abs_tol=5e-4) else f"{_print_cost(factor)} times "
    return f"{times}{whose} share of the data"


def explain_descent(
    facts: DescentFacts,
    formula: sympy.Expr | None,
    named: NamedSum | None,
    proved: bool,
    check: Check,
) -> Step:
    """The step of the derivation; `proved` is whether sympy proves the name."""
    text = (
        "While D* stands still, the generator's gradient is that of ∫ p_g h(t) dx with "
        "t = p_data/p_g, where h − t h′ is its loss at u*(t) up to a constant. h is determined up "
        "to a multiple of t − 1, which integrates to 0: here h(1) = h′(1) = 0. "
    )
    lines = []
    if named:
        lines.append(print_equation("∫ p_g h(p_data / p_g) dx", named.text))
        text += _NAMED[proved]
    if formula is not None:
        lines.append(print_equation("h(t)", formula))
    else:
        text += "sympy finds no closed form of h, which was integrated numerically. "
    parts = [_explain_convexity(facts), _explain_ends(facts), _explain_direction(facts)]
    text += " ".join(part for part in parts if part)
    return make_step("What the generator descends", text, lines, [check])


def _explain_convexity(facts: DescentFacts) -> str:
    if facts.is_flat:
        return "h is 0: at D* the generator has no gradient."
    if not facts.rises:
        return "h is convex with h(1) = 0, so this is an f-divergence, lowest where p_g = p_data."
    if not facts.falls:
        return "h is concave: this is minus an f-divergence, highest where p_g = p_data."
    return (
        "This is no f-divergence: h is convex only where the loss at u*(t) does not rise, and for "
        f"t {print_intervals(facts.rises)} it rises."
    )


def _explain_ends(facts: DescentFacts) -> str:
    if facts.is_flat:
        return ""
    off_data, dropped = facts.off_data, facts.dropped
    text = (
        f"Samples where there is no data (t → 0) cost h(0) = {_print_cost(off_data)} each; the "
        "weight that moves them along ∇ log t "
        + _explain_pull(facts.pull_off_data)
        + f". Data that is never generated (t → ∞) costs lim h(t)/t = {_print_cost(dropped)} per "
        "unit of mass."
    )
    logit, weight = facts.logit_off_data, facts.weight_off_data
    reached = (
        f" Off the data u* tends to {_print_cost(logit)}, where ∂L_G/∂f "
        f"{_explain_pull(abs(weight)) if weight == 0 else 'tends to ' + _print_cost(weight)}."
    )
    if math.isfinite(logit):
        reached += " As u* stays finite, D* is flat there and the gradient vanishes with its slope."
    text += reached
    if math.isfinite(off_data + dropped):
        return f"{text} On disjoint supports the integral is {_print_cost(off_data + dropped)}."
    return f"{text} The integral is unbounded."


def _explain_pull(pull: float) -> str:
    if math.isinf(pull):
        return "grows without bound"
    return "vanishes" if pull == 0 else f"tends to {_print_cost(pull)}"


def _explain_direction(facts: DescentFacts) -> str:
    if facts.is_own:
        return "It is the divergence in V(G, D*) itself, as in every zero-sum game."
    if facts.is_flat:
        return ""
    text = "It is not the divergence in V(G, D*)."
    if facts.opposed:
        text += f" Where t is {print_intervals(facts.opposed)} it pulls samples the opposite way."
    else:
        text += " At every t both pull a sample the same way, with different weights."
    places = [
        f"for m {print_intervals(intervals)} with s = {std:g}"
        for std, intervals in facts.opposed_on_mixture.items()
        if intervals
    ]
    if places:
        text += (
            " Its derivative by the mean m of p_g = N(m, s²) on mixture_1d has the opposite "
            f"sign of that of V(G, D*) {' and '.join(places)}."
        )
    return text


def print_intervals(intervals: Intervals) -> str:
    """Intervals in words, with three digits."""
    return " or ".join(map(_print_interval, intervals))


def _print_interval(interval: tuple[float, float]) -> str:
    low, high = interval
    if low == 0 and math.isinf(high):
        return "of any size"
    if math.isinf(high):
        return f"above {_print_cost(low)}"
    if low == 0:
        return f"below {_print_cost(high)}"
    if low == high:
        return f"near {_print_cost(low)}"
    return f"from {_print_cost(low)} to {_print_cost(high)}"


def _print_cost(value: float) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value + 0.0:.3g}".replace("-", "−")
