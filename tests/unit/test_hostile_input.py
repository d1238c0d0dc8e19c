"""Whatever a study file holds, it resolves or is refused with one message; formulas likewise."""

import copy
import math
import time

import pytest
import torch
import yaml
from ganbench.formula.language import FormulaError, parse
from ganbench.formula.torch_loss import compile_loss
from ganbench.study import resolve as study
from ganbench.study.schema import StudyError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from project import ROOT

STUDIES = [
    yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(ROOT.glob("config/*.yaml"))
]
SLOW = 5.0
"""Seconds that no study may take."""

quickly = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)

hostile = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(
        [
            "../../etc", "..", "/", "a/b", "", " ", "\x00", "a\nb", "${HOME}", "{dataset}", "%s",
            "<script>", "'; rm -rf", "=1+1", "é", "x" * 100_000, "9" * 400, "1e999", "nan", "-inf",
            10**400, -1, 0, 2**63, 1e-320, [], {}, [[]], {"": {}}, {None: 1}, {1: 2}, [None],
            {"a": {"b": {"c": []}}}, ["a"] * 1000, "9**9**9", "softplus(f)", "digits", "minimax",
        ]
    ),
    st.lists(st.integers(), max_size=4),
    st.dictionaries(st.text(max_size=8), st.integers(), max_size=3),
)  # fmt: skip


def places(value, path=()):
    """The path of everything in a study."""
    yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*path, key))


@st.composite
def mutated(draw):
    """A shipped study with one to three things replaced, removed, renamed or added."""
    config = copy.deepcopy(draw(st.sampled_from(STUDIES)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(config))))
        if not path:
            continue
        at = config
        for key in path[:-1]:
            at = at[key]
        match draw(st.sampled_from(["replace", "remove", "rename", "add"])):
            case "replace":
                at[path[-1]] = draw(hostile)
            case "remove":
                del at[path[-1]]
            case "rename":
                at[draw(st.text(max_size=12))] = at.pop(path[-1])
            case "add":
                at[draw(st.text(max_size=12) | st.sampled_from(["training", "constants"]))] = draw(
                    hostile
                )
    return config


@given(config=mutated() | hostile)
@settings(quickly, max_examples=2500)
def test_mutated_study_resolves_or_is_refused_with_one_message(config):
    started = time.monotonic()
    try:
        found = study.resolve(config, "some.yaml")
    except StudyError as error:
        message = str(error)
        assert message.startswith("some.yaml: ")
        assert "\n" not in message
        assert len(message) < 2000
    else:
        assert set(study.list_runs(found))
        for name in (found["study"], *found["datasets"], *found["variants"]):
            assert name.isascii()
            assert not set(name) & set("/.\\ ")
    assert time.monotonic() - started < SLOW


FUNCTIONS = {
    "softplus": lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x)),
    "exp": math.exp,
    "log": math.log,
    "tanh": math.tanh,
    "relu": lambda x: max(x, 0.0),
    "abs": abs,
    "square": lambda x: x * x,
    "sqrt": math.sqrt,
}


def formulas():
    """(text, its value by another reading of it) at r = 0.7, f = −1.3."""
    leaves = st.one_of(
        st.just(("r", 0.7)),
        st.just(("f", -1.3)),
        st.integers(0, 9).map(lambda number: (str(number), float(number))),
        st.floats(0.01, 9).map(lambda number: (repr(round(number, 3)), round(number, 3))),
    )

    def larger(smaller):
        operations = {
            "+": lambda a, b: a + b,
            "-": lambda a, b: a - b,
            "*": lambda a, b: a * b,
            "/": lambda a, b: a / b,
            "**": lambda a, b: a**b,
        }

        def both(sign, left, right):
            return f"({left[0]}) {sign} ({right[0]})", value(operations[sign], left[1], right[1])

        def value(function, *arguments):
            if any(each is None for each in arguments):
                return None
            try:
                found = function(*arguments)
            except (ArithmeticError, ValueError):
                return None
            return found if isinstance(found, float) and math.isfinite(found) else None

        return st.one_of(
            st.builds(both, st.sampled_from(list(operations)), smaller, smaller),
            st.builds(
                lambda name, inner: (f"{name}({inner[0]})", value(FUNCTIONS[name], inner[1])),
                st.sampled_from(list(FUNCTIONS)),
                smaller,
            ),
            smaller.map(lambda inner: (f"-({inner[0]})", value(lambda x: -x, inner[1]))),
            st.builds(
                lambda a, b: (f"maximum({a[0]}, {b[0]})", value(max, a[1], b[1])), smaller, smaller
            ),
        )

    return st.recursive(leaves, larger, max_leaves=8)


@given(formula=formulas())
@settings(quickly, max_examples=5000)
def test_generated_formula_has_the_right_value_or_is_refused_with_a_column(formula):
    text, expected = formula
    started = time.monotonic()
    loss, refusal = _read(text)
    if refusal:
        assert 1 <= refusal.column <= len(text) + 1
        assert expected is None or "exponent" in str(refusal) or _is_at_a_bound(refusal)
    else:
        r, f = (torch.tensor([each], dtype=torch.float64) for each in (0.7, -1.3))
        found = float(loss(r, f))
        # where another reading finds no number (a power of a negative one, an overflow) neither
        # need torch, but what both find is the same
        if expected is not None and math.isfinite(found):
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert time.monotonic() - started < 1


def _read(text: str):
    """(loss, None) of a formula, or (None, its refusal)."""
    try:
        return compile_loss(parse(text)), None
    except FormulaError as error:
        return None, error


def _is_at_a_bound(error: FormulaError) -> bool:
    bounds = ("longer than", "nested deeper", "a number beyond", "has no finite value")
    return any(bound in str(error) for bound in bounds)


near_misses = st.text("rf0129.+-*/()e,softplulog_[]{}:'\"lambda ", max_size=60)


@given(text=st.text(max_size=60) | near_misses)
@settings(quickly, max_examples=2000)
def test_any_text_is_a_formula_or_is_refused_in_one_line(text):
    _, refusal = _read(text)
    if refusal:
        assert "\n" not in str(refusal)
    else:
        assert parse(text).variables <= {"r", "f"}


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9",
        "9**9**9**9**9",
        "(" * 300 + "r" + ")" * 300,
        "-" * 399 + "r",
        "r+" * 2_000_000 + "r",
        "softplus(" * 60 + "r" + ")" * 60,
        "__import__('os').system('true')",
        "(lambda: 1)()",
        "[r for r in range(10**9)]",
        "r.__class__",
        "f'{r}'",
        "exec('1')",
        "r if f else r",
        "r := 1",
        "\x00",
        "1e400 * r",
        "0 * (1 / 0)",
        "r ** f",
        "é + r",
    ],
)
def test_formula_that_would_run_or_exhaust_something_is_refused_at_once(text):
    started = time.monotonic()
    with pytest.raises(FormulaError) as error:
        parse(text)
    assert time.monotonic() - started < 1
    assert len(str(error.value)) < 600


def test_study_that_refers_to_itself_is_refused_and_does_not_hang():
    config = yaml.safe_load("study: s\ndatasets: {digits: {}}\nvariants: &v {minimax: *v}\n")
    with pytest.raises(StudyError) as error:
        study.resolve(config, "some.yaml")
    assert "refers to itself" in str(error.value)


def test_a_few_aliases_that_stand_for_billions_of_values_are_refused_at_once():
    levels = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    started = time.monotonic()
    with pytest.raises(StudyError) as error:
        study.resolve(yaml.safe_load("\n".join(levels)), "some.yaml")
    assert "more than 200,000 values" in str(error.value)
    assert time.monotonic() - started < SLOW
