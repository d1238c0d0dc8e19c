"""The runs of a study as lines of a terminal: how far they are, and how their game stands."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import inf, isinf
from statistics import mean

from ganbench.terminal.estimate import describe_time
from ganbench.terminal.run_states import Phase, RunState
from ganbench.wording import count, duration, is_missing, number

MEASURES = {
    "D loss": "d_loss",
    "G loss": "g_loss",
    "D(x)": "d_real",
    "D(G(z))": "d_fake",
    "D grad": "d_grad_norm",
    "G grad": "g_grad_norm",
}
"""Titles of the table's columns, and the columns of `history.csv` that they show."""
NUMBER_WIDTH = 6
STEPS_WIDTH = 11
SHORTEST_NAME = 8


def format_states(study: str, states: Sequence[RunState], width: float = inf) -> list[str]:
    """A header, a line for each run and one for the study, at most `width` characters wide.

    The line of the study is two where one has no room for the time that is left.

    Runs that train come first, those that wait last, otherwise in the study's order. Where there is
    no room for names that tell all runs apart, the last measures are left out.
    """
    order = list(Phase)
    states = sorted(states, key=lambda state: order.index(state.phase))
    one_dataset = len({state.dataset for state in states}) == 1
    names = [_name_run(state, with_dataset=not one_dataset) for state in states]
    for shown in range(len(MEASURES), -1, -1):
        lines = _format_table(names, states, list(MEASURES)[:shown], width)
        if max(map(len, lines)) <= width:
            break
    summary, left = f"{study}: {count_phases(states)}", describe_left(states)
    if left and len(summary) + len(left) + 2 > width:
        return [*lines, summary, left]
    return [*lines, f"{summary}; {left}" if left else summary]


def _format_table(
    names: Sequence[str], states: Sequence[RunState], measures: Sequence[str], width: float
) -> list[str]:
    """The header and a line for each run, with these measures."""
    rows = [("step", *measures, "state")]
    rows += [_describe_run(state, measures) for state in states]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    gap = "  " if sum(widths) + 2 * len(widths) + max(map(len, names)) <= width else " "
    room = max(SHORTEST_NAME, width - sum(widths) - len(gap) * len(widths))
    names = ["run", *shorten_names(names, room)]
    longest = max(map(len, names))
    return [
        gap.join(
            [
                name.ljust(longest),
                *(cell.rjust(width) for cell, width in zip(row[:-1], widths, strict=False)),
                row[-1],
            ]
        ).rstrip()
        for name, row in zip(names, rows, strict=True)
    ]


def _name_run(state: RunState, *, with_dataset: bool) -> str:
    """A run in a table: "minimax 0", "digits minimax 0"."""
    name = f"{state.variant} {state.seed}"
    return f"{state.dataset} {name}" if with_dataset else name


def shorten_names(names: Sequence[str], room: float) -> list[str]:
    """Names without their middle, of at most `room` characters or as many as tell them apart."""
    short = [_shorten_name(name, room) for name in names]
    different = len(set(names))
    while len(set(short)) < different:
        room += 1
        short = [_shorten_name(name, room) for name in names]
    return short


def _shorten_name(name: str, room: float) -> str:
    if len(name) <= room:
        return name
    end = (room - 1) // 2
    return f"{name[: room - 1 - end]}…{name[-end:]}"


def _describe_run(state: RunState, measures: Sequence[str]) -> tuple[str, ...]:
    cells = [
        _format_measure(state.last.get(MEASURES[title])) if state.last else "" for title in measures
    ]
    return (_format_steps(state.step, state.steps), *cells, _describe_phase(state))


def _describe_phase(state: RunState) -> str:
    if state.phase is not Phase.RUNNING:
        return str(state.phase)
    return "running" if state.left is None else f"{duration(state.left)} left"


def _format_steps(step: int, steps: int) -> str:
    text = f"{step}/{steps}"
    if len(text) <= STEPS_WIDTH:
        return text
    return "/".join(f"{number(steps / 1000)}k" for steps in (step, steps))


def _format_measure(value: float | None) -> str:
    """A number of at most six characters: 0.693, −12.3, 1e−5."""
    if is_missing(value) or isinf(value):
        return number(None) if is_missing(value) else f"{value:g}".replace("-", "−")
    for digits in (3, 2):
        if len(text := number(value, digits)) <= NUMBER_WIDTH:
            return text
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


def count_phases(states: Sequence[RunState]) -> str:
    """How many runs there are of each phase."""
    phases = Counter(state.phase for state in states)
    parts = [f"{phases[phase]} {phase}" for phase in Phase if phases[phase]]
    return f"{count(len(states), 'run')}: {', '.join(parts)}"


def describe_left(states: Sequence[RunState]) -> str:
    """How long the training takes at this pace; nothing if no run trains."""
    left = estimate_left(states)
    return "" if left is None else f"about {describe_time(left)} of training left"


def estimate_left(states: Sequence[RunState]) -> float | None:
    """Seconds until all runs are trained, as many at a time as now; None if none runs."""
    running = [state for state in states if state.phase is Phase.RUNNING]
    paces = _measure_paces(states)
    if not paces or any(state.left is None for state in running) or not running:
        return None
    usual = mean(paces.values())
    work = sum(state.left for state in running)
    for state in states:
        if state.phase in (Phase.WAITING, Phase.INTERRUPTED, Phase.OUTDATED):
            done = state.step if state.phase is Phase.INTERRUPTED else 0
            pace = paces.get((state.dataset, state.variant), usual)
            work += pace * (state.steps - done)
    return work / len(running)


def _measure_paces(states: Sequence[RunState]) -> Mapping[tuple[str, str], float]:
    """Seconds of a step by dataset and variant, over all runs that have taken steps."""
    seconds: Counter[tuple[str, str]] = Counter()
    steps: Counter[tuple[str, str]] = Counter()
    for state in states:
        if state.step:
            seconds[state.dataset, state.variant] += state.seconds
            steps[state.dataset, state.variant] += state.step
    return {key: seconds[key] / steps[key] for key in steps}
