"""Hostile studies, formulas and weights are read safely or refused in words."""

import copy
import hashlib
import io
import math
import pickle
import time
from pathlib import Path

import pytest
import torch
import yaml
from ganbench.evaluation.extractor import load_extractor
from ganbench.evaluation.pretrained import load_state
from ganbench.evaluation.snapshots import load_run
from ganbench.formula.language import FormulaError, parse
from ganbench.formula.torch_loss import compile_loss
from ganbench.study import resolve as studies
from ganbench.study.schema import StudyError
from ganbench.training.checkpoint import Checkpoints
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from project import ROOT

STUDIES = [
    yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(ROOT.glob("config/*.yaml"))
]
SLOW = 5.0
"""Seconds within which any study resolves or is refused."""

without_deadline = settings(
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


def list_paths(value, path=()):
    """The path of every key in a study."""
    yield path
    if isinstance(value, dict):
        for key, child in value.items():
            yield from list_paths(child, (*path, key))


@st.composite
def mutated_studies(draw):
    """Shipped studies with one to three keys replaced, removed, renamed or added."""
    config = copy.deepcopy(draw(st.sampled_from(STUDIES)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(list_paths(config))))
        if not path:
            continue
        *groups, key = path
        group = config
        for name in groups:
            group = group[name]
        match draw(st.sampled_from(["replace", "remove", "rename", "add"])):
            case "replace":
                group[key] = draw(hostile)
            case "remove":
                del group[key]
            case "rename":
                group[draw(st.text(max_size=12))] = group.pop(key)
            case "add":
                new = draw(st.text(max_size=12) | st.sampled_from(["training", "constants"]))
                group[new] = draw(hostile)
    return config


@pytest.mark.promise("any-study")
@given(config=mutated_studies() | hostile)
@settings(without_deadline, max_examples=1000)
def test_mutated_study_resolves_or_is_refused_with_one_message(config):
    started = time.monotonic()
    try:
        study = studies.resolve(config, "some.yaml")
    except StudyError as error:
        message = str(error)
        assert message.startswith("some.yaml: ")
        assert "\n" not in message
        assert len(message) < 2000
    else:
        assert set(studies.list_runs(study))
        for name in (study["study"], *study["datasets"], *study["variants"]):
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
    """(text, its value at r = 0.7 and f = −1.3 by another evaluation)."""
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

        def combine(sign, left, right):
            value = evaluate(operations[sign], left[1], right[1])
            return f"({left[0]}) {sign} ({right[0]})", value

        def evaluate(function, *arguments):
            if None in arguments:
                return None
            try:
                value = function(*arguments)
            except (ArithmeticError, ValueError):
                return None
            return value if isinstance(value, float) and math.isfinite(value) else None

        return st.one_of(
            st.builds(combine, st.sampled_from(list(operations)), smaller, smaller),
            st.builds(
                lambda name, inner: (f"{name}({inner[0]})", evaluate(FUNCTIONS[name], inner[1])),
                st.sampled_from(list(FUNCTIONS)),
                smaller,
            ),
            smaller.map(lambda inner: (f"-({inner[0]})", evaluate(lambda x: -x, inner[1]))),
            st.builds(
                lambda a, b: (f"maximum({a[0]}, {b[0]})", evaluate(max, a[1], b[1])),
                smaller,
                smaller,
            ),
        )

    return st.recursive(leaves, larger, max_leaves=8)


@pytest.mark.promise("any-study")
@given(formula=formulas())
@settings(without_deadline, max_examples=1500)
def test_generated_formula_has_the_right_value_or_is_refused(formula):
    text, expected = formula
    started = time.monotonic()
    loss, refusal = compile_or_refuse(text)
    if refusal:
        assert 1 <= refusal.column <= len(text) + 1
        assert expected is None or "exponent" in str(refusal) or is_beyond_a_bound(refusal)
    else:
        r, f = (torch.tensor([logit], dtype=torch.float64) for logit in (0.7, -1.3))
        value = float(loss(r, f))
        # either may have no value (the root of a negative number, an overflow)
        if expected is not None and math.isfinite(value):
            assert value == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert time.monotonic() - started < 1


def compile_or_refuse(text: str):
    """(loss, None) of a formula, or (None, the error that refuses it)."""
    try:
        return compile_loss(parse(text)), None
    except FormulaError as error:
        return None, error


def is_beyond_a_bound(error: FormulaError) -> bool:
    bounds = ("longer than", "nested deeper", "a number beyond", "has no finite value")
    return any(bound in str(error) for bound in bounds)


near_misses = st.text("rf0129.+-*/()e,softplulog_[]{}:'\"lambda ", max_size=60)


@pytest.mark.promise("any-study")
@given(text=st.text(max_size=60) | near_misses)
@settings(without_deadline, max_examples=1000)
def test_any_text_is_a_formula_or_is_refused_in_one_line(text):
    _, refusal = compile_or_refuse(text)
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
def test_formula_that_runs_code_or_exhausts_memory_is_refused_at_once(text):
    started = time.monotonic()
    with pytest.raises(FormulaError) as error:
        parse(text)
    assert time.monotonic() - started < 1
    assert len(str(error.value)) < 600


@pytest.mark.parametrize(
    "keys",
    [
        "variants: &v {minimax: *v}",
        "grid: &g {objective: *g}",
        "grid: {objective: &o [minimax, *o]}",
        "variants: &v {minimax: *v}\ngrid: {steps: [1]}",
        "plugins: &p [*p]\nvariants: {minimax: {}}",
    ],
)
def test_study_that_refers_to_itself_is_refused(keys):
    config = yaml.safe_load(f"study: s\ndatasets: {{digits: {{}}}}\n{keys}\n")
    with pytest.raises(StudyError) as error:
        studies.resolve(config, "some.yaml")
    assert "some.yaml: nested deeper than" in str(error.value)
    assert "refers to itself" in str(error.value)


@pytest.mark.parametrize("use", ["", "grid: {objective: *a9}"])
def test_aliases_that_expand_to_billions_of_values_are_refused_at_once(use):
    levels = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    levels.append(use)
    started = time.monotonic()
    with pytest.raises(StudyError) as error:
        studies.resolve(yaml.safe_load("\n".join(levels)), "some.yaml")
    assert "more than 200,000 values" in str(error.value)
    assert time.monotonic() - started < SLOW


class Malicious:
    """An object that creates a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


@pytest.fixture
def malicious_file(tmp_path):
    """A file of weights with a `Malicious` object among its tensors."""
    torch.save({"weight": torch.zeros(3), "name": Malicious(tmp_path / "trace")}, tmp_path / "w.pt")
    yield tmp_path / "w.pt"
    assert not (tmp_path / "trace").exists()


@pytest.mark.promise("safe-weights")
@pytest.mark.parametrize("load", [load_extractor, load_state, load_run])
def test_file_of_weights_that_would_run_code_is_refused(malicious_file, load):
    with pytest.raises(pickle.UnpicklingError):
        load(malicious_file)


@pytest.mark.promise("safe-weights")
def test_checkpoint_that_would_run_code_is_refused(malicious_file, tmp_path):
    content = malicious_file.read_bytes()
    checkpoints = Checkpoints(tmp_path / "checkpoints", None, io.StringIO())
    with checkpoints.open({}):
        checkpoints._newest.write_bytes(hashlib.sha256(content).digest() + content)
        with pytest.raises(pickle.UnpicklingError):
            checkpoints.resume(None)
