"""The formula language: what it accepts, what it rejects, and that its three outputs agree."""

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import sympy
import torch
from ganbench.formula.language import DEEPEST, FUNCTIONS, LONGEST, FormulaError, Number, parse
from ganbench.formula.mathml import to_mathml
from ganbench.formula.symbolic import MEAN, SYMBOLS, to_sympy
from ganbench.formula.torch_loss import compile_loss

FORMULAS = (
    "r",
    "-f",
    "r + f - 2 * r * f",
    "r - (f - 1)",
    "r - f - 1",
    "-(r - f)",
    "-r ** 2",
    "(-r) ** 2",
    "(r + f) ** 3",
    "(r / 2) ** 2",
    "square(r / (2 + square(f)))",
    "r / 2 / (1 + f ** 2)",
    "r / (2 / (1 + f ** 2))",
    "2 * (r + f)",
    "r * -f",
    "-(r * f)",
    "--r",
    "r - -f",
    "-(-r - -2)",
    "softplus(-r) + softplus(f)",
    "softplus(f - r)",
    "-log(sigmoid(r)) - log(1 - sigmoid(f))",
    "log(1 + exp(f)) + log(exp(-r) + 1)",
    "1 / (1 + exp(-f)) - 1 / (exp(r) + 1)",
    "exp(-f / 2) - 2 * exp(r / 3)",
    "tanh(r) / 2 - tanh(-f) * 0.25",
    "relu(1 - r) + relu(1 + f)",
    "abs(r - 1) + abs(abs(f) - 1)",
    "sqrt(1 + square(r)) - (1 + square(f)) ** 0.5",
    "maximum(r, f) + minimum(r, 0.5) - maximum(-1, f)",
    "(1 + square(r)) ** -1",
    "log(2) * r - exp(1) * f",
    "+r + 1e-3 * f",
    "0.12345678 * r - 1e-5 * f",
    "f - -1.5e-7 * r * 2.5e-7",
    "(1e-5 + r) ** 2 + f / 1e-5",
    "123456.789 * r + 1e6 * f",
)
GRID = torch.linspace(-3.7, 3.7, 23, dtype=torch.float64)


def evaluate(text: str, r: np.ndarray, f: np.ndarray) -> float:
    return float(compile_loss(parse(text))(torch.from_numpy(r), torch.from_numpy(f)))


@pytest.mark.parametrize("text", FORMULAS)
def test_torch_and_sympy_agree_on_a_grid(text):
    r, f = torch.meshgrid(GRID, GRID, indexing="ij")
    loss = torch.func.vmap(compile_loss(parse(text)))
    values = loss(r.reshape(-1, 1), f.reshape(-1, 1)).reshape(23, 23)
    function = sympy.lambdify([SYMBOLS["r"], SYMBOLS["f"]], to_sympy(parse(text)), "numpy")
    expected = np.broadcast_to(function(r.numpy(), f.numpy()), (23, 23))
    assert values.numpy() == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("text", FORMULAS)
def test_gradients_of_torch_are_the_derivatives_of_sympy(text):
    expression = to_sympy(parse(text))
    r, f = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in ([0.3], [-1.7]))
    loss = compile_loss(parse(text))(r, f)
    gradients = torch.autograd.grad(loss, (r, f), allow_unused=True)
    for gradient, symbol in zip(gradients, SYMBOLS.values(), strict=True):
        derivative = sympy.diff(expression, symbol).subs({SYMBOLS["r"]: 0.3, SYMBOLS["f"]: -1.7})
        expected = float(derivative.rewrite(sympy.Piecewise).evalf())
        assert (0.0 if gradient is None else gradient.item()) == pytest.approx(
            expected, rel=1e-12, abs=1e-12
        )


@pytest.mark.parametrize("text", FORMULAS)
def test_the_printed_formula_reads_as_the_computed_one(text):
    element = ElementTree.fromstring(to_mathml(parse(text).expression))
    assert element.tag == "math"
    printed = read_mathml(element)
    r, f = np.array([0.37]), np.array([-1.21])
    expected = evaluate(text, r, f)
    assert evaluate(printed, r, f) == pytest.approx(expected, rel=1e-14)


def read_mathml(element: ElementTree.Element) -> str:
    """Translates MathML, read as a person reads it, back into the language."""
    parts = [read_mathml(child) for child in element]
    match element.tag:
        case "mn" | "mi":
            names = {"σ": "sigmoid", "max": "maximum", "min": "minimum"}
            return names.get(element.text, element.text)
        case "mo":
            return {"−": "-", "·": "*", "\u2061": ""}.get(element.text, element.text)
        case "mfrac":
            return f"(({parts[0]})/({parts[1]}))"
        case "msup":
            # no brackets around the base: an exponent binds the symbol or bracket before it
            return f"{parts[0]}**({parts[1]})"
        case "msqrt":
            return f"sqrt({''.join(parts)})"
    inside = "".join(parts)
    return f"abs({inside[1:-1]})" if inside.startswith("|") and inside.endswith("|") else inside


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("3 * r", "3·r"),
        ("0.12345678 * r", "0.12345678·r"),
        ("0.0001 * r", "0.0001·r"),
        ("0.00001 * r", "10**(-5)·r"),
        ("r * -2.5e-7", "r·(-2.5*10**(-7))"),
        ("1000000 * r", "1000000·r"),
        ("log(2) * r", "0.6931471805599453·r"),
    ],
)
def test_a_number_is_printed_with_all_its_digits_and_no_e(text, printed):
    read = read_mathml(ElementTree.fromstring(to_mathml(parse(text).expression)))
    assert read == printed.replace("·", "*")


def test_a_fraction_under_a_power_is_printed_in_brackets():
    printed = to_mathml(parse("(r / 2) ** 2").expression)
    assert "<mo>(</mo><mfrac>" in printed


def test_every_function_has_a_torch_a_sympy_and_a_mathml_form():
    for name, count in FUNCTIONS.items():
        formula = parse(f"{name}({', '.join(['square(f) + 1', 'r'][:count])})")
        assert np.isfinite(evaluate(formula.text, np.array([0.4]), np.array([0.7])))
        assert to_sympy(formula).free_symbols <= set(SYMBOLS.values())
        ElementTree.fromstring(to_mathml(formula.expression))


def test_a_mean_is_over_the_batch():
    r, f = np.array([1.0, 2.0, 6.0]), np.array([0.5, -1.0, 2.0])
    assert evaluate("square(r - mean(f))", r, f) == pytest.approx(np.mean((r - f.mean()) ** 2))
    assert to_sympy(parse("mean(f) - r")).has(MEAN)


def test_named_constants_are_replaced_by_their_numbers():
    formula = parse("smoothing * softplus(-r)", {"smoothing": 0.9})
    one = torch.ones(1, dtype=torch.float64)
    assert compile_loss(formula)(one, one).item() == pytest.approx(0.9 * math.log1p(math.exp(-1)))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("2 * 3 - 1 / 4", 5.75),
        ("-log(2)", -math.log(2)),
        ("softplus(0)", math.log(2)),
        ("maximum(1, minimum(3, 2)) ** 2", 4.0),
        ("sigmoid(0) + tanh(0) + relu(-1) + abs(-2) + square(3) + sqrt(4) + mean(1)", 14.5),
    ],
)
def test_arithmetic_on_numbers_is_folded(text, folded):
    assert parse(text).expression == Number(pytest.approx(folded))


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("0.1 * f", sympy.Rational(1, 10) * SYMBOLS["f"]),
        ("f - log(2)", SYMBOLS["f"] - sympy.log(2)),
        ("f / 3", SYMBOLS["f"] / 3),
        ("(1 - 0.9) * f", SYMBOLS["f"] / 10),
        ("0.00001 * f", SYMBOLS["f"] / 100_000),
    ],
)
def test_sympy_receives_the_exact_number(text, exact):
    assert to_sympy(parse(text)) == exact


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("r.real + f", 1, "'r.real' is not part"),
        ("f + open('x')", 5, "unknown function 'open'"),
        ("f + 'x'", 5, "not part of the language"),
        ("f + q", 5, "unknown name 'q'"),
        ("f + True", 5, "not part of the language"),
        ("f * 1j", 5, "not part of the language"),
        ("f if r else 1", 1, "not part of the language"),
        ("f < r", 1, "not part of the language"),
        ("lambda: f", 1, "not part of the language"),
        ("[f]", 1, "not part of the language"),
        ("f[0]", 1, "not part of the language"),
        ("f @ r", 1, "not part of the language"),
        ("~f", 1, "not part of the language"),
        ("(f := r)", 2, "not part of the language"),
        ("softplus(x=f)", 1, "not part of the language"),
        ("softplus(*f)", 10, "not part of the language"),
        ("softplus(f, r)", 1, "softplus takes 1"),
        ("maximum(f)", 1, "maximum takes 2"),
        ("softplus", 1, "unknown name 'softplus'"),
        ("f ** r", 1, "an exponent is a number"),
        ("f ** 9", 1, "an exponent is a number up to 8"),
        ("f + 1e7", 5, "beyond"),
        ("f + 1e999", 5, "beyond"),
        ("f + 1e6 * 1e6", 5, "beyond"),
        ("f + 1 / 0", 5, "no finite value"),
        ("f + log(0)", 5, "no finite value"),
        ("f + (-1) ** 0.5", 5, "no finite value"),
        ("f + exp(1000)", 5, "no finite value"),
        ("f +", 4, "not a formula"),
        ("f; r", 2, "not a formula"),
        ("import os", 1, "not a formula"),
        ("", 1, "not a formula"),
        ("__import__('os').system('x')", 1, "not part of the language"),
    ],
)
def test_a_formula_outside_the_language_is_rejected_at_its_column(text, column, reason):
    with pytest.raises(FormulaError, match=f"column {column}: .*{re.escape(reason)}") as error:
        parse(text)
    assert error.value.column == column


def test_an_error_lists_what_is_allowed():
    allowed = r"\(constants: smoothing\); allowed: r, f, numbers, .* softplus .* constants"
    with pytest.raises(FormulaError, match=allowed):
        parse("f + margin", {"smoothing": 1.0})


def test_columns_are_counted_in_characters_from_the_first_not_blank():
    for text, column in (("   f + ψ + q", 5), ("   f + é = 1", 7), ("f * (r - é * 2)", 10)):
        with pytest.raises(FormulaError) as error:
            parse(text)
        assert error.value.column == column


def test_length_and_depth_are_bounded():
    assert parse("f" + " + f" * 20)
    with pytest.raises(FormulaError, match=f"longer than {LONGEST}"):
        parse("f + " * LONGEST + "f")
    assert parse("abs(" * (DEEPEST - 1) + "f" + ")" * (DEEPEST - 1))
    with pytest.raises(FormulaError, match=f"nested deeper than {DEEPEST}"):
        parse("abs(" * DEEPEST + "f" + ")" * DEEPEST)
    for text in ("(" * 199 + "f" + ")" * 199 + "+ q", "f\0"):
        with pytest.raises(FormulaError):
            parse(text)


@pytest.mark.parametrize("logit", [-100.0, 100.0])
@pytest.mark.parametrize(
    ("text", "expected", "slope"),
    [
        ("softplus(f)", lambda x: np.logaddexp(0, x), lambda x: 1 / (1 + np.exp(-x))),
        ("-log(sigmoid(f))", lambda x: np.logaddexp(0, -x), lambda x: -1 / (1 + np.exp(x))),
        ("log(1 - sigmoid(f))", lambda x: -np.logaddexp(0, x), lambda x: -1 / (1 + np.exp(-x))),
        ("log(1 + exp(f))", lambda x: np.logaddexp(0, x), lambda x: 1 / (1 + np.exp(-x))),
        ("log(exp(-f) + 1)", lambda x: np.logaddexp(0, -x), lambda x: -1 / (1 + np.exp(x))),
        ("-log(1 / (1 + exp(-f)))", lambda x: np.logaddexp(0, -x), lambda x: -1 / (1 + np.exp(x))),
        ("1 / (1 + exp(-f))", lambda x: 1 / (1 + np.exp(-x)), lambda x: 0.0),
        ("sigmoid(f)", lambda x: 1 / (1 + np.exp(-x)), lambda x: 0.0),
        ("square(f) / 4", lambda x: x * x / 4, lambda x: x / 2),
        ("tanh(f)", np.tanh, lambda x: 0.0),
    ],
)
def test_losses_are_stable_at_logits_of_100_in_float32(text, expected, slope, logit):
    f = torch.tensor([logit], requires_grad=True)
    loss = compile_loss(parse(text))(None, f)
    loss.backward()
    assert loss.item() == pytest.approx(expected(logit), rel=1e-6, abs=1e-43)
    assert f.grad.item() == pytest.approx(slope(logit), rel=1e-6, abs=1e-43)


def test_minus_log_sigmoid_is_softplus():
    r = torch.linspace(-100, 100, 401, dtype=torch.float64)
    for texts in (("-log(sigmoid(r))", "softplus(-r)"), ("-log(1-sigmoid(r))", "softplus(r)")):
        first, second = (torch.func.vmap(compile_loss(parse(text))) for text in texts)
        assert torch.equal(first(r[:, None], r[:, None]), second(r[:, None], r[:, None]))


def test_a_loss_without_r_needs_no_real_logits():
    assert parse("softplus(-f)").variables == {"f"}
    loss = compile_loss(parse("softplus(-f)"))
    assert loss(None, torch.zeros(3)).item() == pytest.approx(np.log(2))
