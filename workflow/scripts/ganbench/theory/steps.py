"""The steps of a derivation in words and MathML."""

import numpy as np
import sympy

from ganbench.theory import numeric
from ganbench.theory.divergences import LOG_RATIOS, TOLERANCE, Match, T
from ganbench.theory.gradient_weight import GradientWeight
from ganbench.theory.integrand import A, B, Integrand
from ganbench.theory.optimum import RATIOS, Optimum
from ganbench.theory.printing import print_equation, print_number, print_value
from ganbench.theory.proof_checks import Check

Step = dict[str, str]
"""`title`, `text`, `mathml` and `check`. The report prints `mathml` above `text`."""

CONVEXITY = (
    "V(G, D*) is a supremum of functions linear in a and b, hence convex in them, so by Jensen's "
    "inequality it is lowest where p_g = p_data."
)


def make_step(title: str, text: str, lines: list[str], checks: list[Check]) -> Step:
    """A step with its displayed equations and the errors of its checks."""
    check = " ".join(map(str, checks))
    return {"title": title, "text": text, "mathml": "".join(lines), "check": check}


def explain_integrand(integrand: Integrand) -> Step:
    """Step 1."""
    text = (
        "L_D is an integral over x. This is its integrand at one point, with a = p_data(x), "
        "b = p_g(x) and u the discriminator's logit."
    )
    lines = [print_equation(integrand.expression)]
    return make_step("The integrand at one point", text, lines, [])


def explain_no_optimum(reason: str, first: bool) -> Step:
    """Replaces steps 2 and 3, or steps 1 to 3 if it is the `first` step."""
    title = "No integrand at one point" if first else "No optimal discriminator"
    return make_step(title, f"{reason[0].upper()}{reason[1:]}.", [], [])


def explain_optimum(optimum: Optimum, checks: list[Check]) -> Step:
    """Step 2."""
    lines = [
        print_equation("u*", optimum.logit),
        print_equation("D* = σ(u*)", optimum.discriminator),
    ]
    kinds = {candidate.kind for candidate in optimum.candidates}
    if kinds == {"stationary"}:
        text = "At u* the derivative with respect to u is zero."
        for candidate in optimum.candidates:
            lines.append(print_equation("∂²/∂u² at u*", candidate.second_derivative))
            text += _explain_sign(candidate.second_derivative)
    elif kinds == {"infinity"}:
        text = (
            "The derivative with respect to u has no zero. The integrand decreases towards a "
            "finite value as the logit goes to infinity, so D* is a limit that no discriminator "
            "attains."
        )
    elif "stationary" in kinds:
        text = (
            "Depending on a/b, the integrand is lowest at a point where its derivative with "
            "respect to u is zero, at a kink or at infinity. All candidates were compared."
        )
    else:
        text = (
            "The derivative with respect to u has no zero. The integrand is lowest at a kink, "
            "where its slope changes sign. All kinks were compared."
        )
    return make_step("The optimal discriminator", text, lines, checks)


def _explain_sign(curvature: sympy.Expr) -> str:
    if curvature.is_positive:
        return " The second derivative there is positive for all a, b > 0, so u* is a minimum."
    values = numeric.to_numpy(curvature, A, B)(RATIOS, 1.0)
    low, high = RATIOS[0], RATIOS[-1]
    sign = "positive, so u* is a minimum" if (values > 0).all() else "not positive everywhere"
    return f" The second derivative there, for a/b from {low:.0e} to {high:.0e}, is {sign}."


def explain_value(
    density: sympy.Expr,
    constant: sympy.Expr,
    match: Match | None,
    is_constant: bool,
    checks: list[Check],
) -> Step:
    """Step 3: V(G, D*) = ∫ `density` dx, which is `constant` at p_data = p_g."""
    if match:
        text, lines = _explain_divergence(match)
    elif is_constant:
        text = "Substituting D* makes V = −L_D the same for every p_g: it measures no distance."
        lines = [print_equation("V(G, D*)", constant)]
    else:
        text = (
            "Substituting D* makes V = −L_D an f-divergence plus a constant, with the f above and "
            "t = p_data/p_g. It is none of the named divergences that were tried."
        )
        lines = [
            print_equation("V(G, D*)", "∫ p_g(x) f(p_data(x) / p_g(x)) dx"),
            print_equation("f(t)", density.subs({A: T, B: 1})),
        ]
    decimal = "" if constant.is_Rational else f" = {_print_decimal(constant, 6)}"
    at_equilibrium = f"At p_data = p_g it is {print_number(constant)}{decimal}."
    text = f"{text} {CONVEXITY} {at_equilibrium}"
    return make_step("The value at the optimum", text, lines, checks)


def _explain_divergence(match: Match) -> tuple[str, list[str]]:
    divergence = match.divergence
    value = print_value(match.factor, divergence.name, match.constant)
    proof = {
        "symbolic": "sympy proves that the two are equal.",
        "numerical": f"The two agree to {TOLERANCE:g} at {len(LOG_RATIOS)} values of a/b.",
    }[match.proof]
    text = (
        f"Substituting D* makes V = −L_D the {divergence.title}, up to a factor and a constant: "
        f"V(G, D*) = {value}. {proof}"
    )
    lines = [
        print_equation("V(G, D*)", value),
        print_equation(divergence.name, divergence.integral),
    ]
    return text, lines


def explain_searched_optimum(ratios: np.ndarray, logits: np.ndarray) -> Step:
    """Step 2 without a closed form: `logits` were found by direct search at `ratios` of a/b."""
    optima = ", ".join(
        f"{_print_logit(logit)} for a/b = {ratio:g}"
        for ratio, logit in zip(ratios, logits, strict=True)
    )
    text = (
        "sympy finds no closed form of the stationary point. According to a direct search over u, "
        f"the integrand is lowest at {optima}."
    )
    return make_step("The optimal discriminator", text, [], [])


def _print_logit(logit: float) -> str:
    relation = "beyond" if abs(logit) > numeric.SEARCH_LIMIT - 1 else "="
    return f"u* {relation} {_print_decimal(logit, 4)}"


def _print_decimal(number: float | sympy.Expr, digits: int) -> str:
    return f"{float(number) + 0.0:.{digits}g}".replace("-", "−")  # + 0.0 turns −0 into 0


def explain_searched_value(constant: float, check: Check) -> Step:
    """Step 3 without a closed form: `constant` is V(G, D*) at p_data = p_g."""
    text = (
        f"Without a closed form the divergence cannot be identified. {CONVEXITY} "
        f"At p_data = p_g it is {_print_decimal(constant, 6)}."
    )
    return make_step("The value at the optimum", text, [], [check])


def list_assumptions(weight: GradientWeight) -> str:
    """What the reported values of the gradient weight assume; empty if nothing."""
    assumptions = []
    if weight.averaged:
        assumptions.append("all logits of one kind in the batch are equal")
    if weight.paired:
        assumptions.append("D(x) = 1/2")
    return " and ".join(assumptions)


def explain_no_gradient(reason: str) -> Step:
    """Replaces step 4."""
    text = f"The generator's gradient is not defined everywhere: {reason}."
    return make_step("The generator's gradient", text, [], [])


def explain_gradient(weight: GradientWeight, check: Check, border_at_half: bool) -> Step:
    """Step 4; `border_at_half` is whether D = 1/2 parts real samples from fake ones."""
    text = (
        "∂L_G/∂f is the weight with which the logit of a generated sample enters the generator's "
        "gradient, as a function of D = D(G(z)) = σ(f)."
    )
    if weight.paired:
        text += " It also depends on the real sample, through D_x = D(x)."
    if assumptions := list_assumptions(weight):
        text += f" The following statements assume that {assumptions}."
    rejects, accepts = "", ""
    if border_at_half:
        rejects = ", where the discriminator rejects the sample"
        accepts = ", where it accepts the sample"
    text += _explain_limit(weight.at_zero, f"as D(G(z)) → 0{rejects}")
    text += _explain_limit(weight.at_one, f"as D(G(z)) → 1{accepts}")
    for zero in weight.zeros:
        text += f" It is zero at D(G(z)) = {float(zero):.4g}."
    for low, high in weight.flat:
        text += f" It is zero from D(G(z)) = {float(low):.4g} to {float(high):.4g}."
    line = print_equation("∂L_G / ∂f", weight.expression)
    return make_step("The generator's gradient", text, [line], [check])


def _explain_limit(limit: float, where: str) -> str:
    if np.isnan(limit):
        return ""
    if np.isinf(limit):
        return f" It grows without bound {where}."
    if limit == 0:
        return f" It vanishes {where}."
    return f" It tends to {print_number(numeric.rationalise(limit))} {where}."
