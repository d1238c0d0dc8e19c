"""The steps of a derivation in words and MathML."""

import numpy as np
import sympy

from ganbench.theory import numeric
from ganbench.theory.checks import Check
from ganbench.theory.divergences import EXPONENTS, TOLERANCE, Match, T
from ganbench.theory.integrand import A, B, Integrand
from ganbench.theory.optimum import RATIOS, Optimum
from ganbench.theory.printing import equation, text, value_text
from ganbench.theory.weight import Weight

Step = dict[str, str]
CONVEX = (
    "V(G, D*) is a supremum of values linear in a and b, so convex in them: by Jensen's inequality "
    "it is lowest where p_g = p_data."
)


def _step(title: str, words: str, lines: list[str], checked: list[Check]) -> Step:
    check = " ".join(map(str, checked))
    return {"title": title, "text": words, "mathml": "".join(lines), "check": check}


def integrand(found: Integrand) -> Step:
    """Step 1."""
    words = (
        "L_D is an integral over x. At one point, with a = p_data(x), b = p_g(x) and the "
        "discriminator's logit u, it adds up this."
    )
    return _step("The integrand at one point", words, [equation(found.expression)], [])


def no_optimum(why: str, first: bool) -> Step:
    """In place of steps 1 to 3, or 2 and 3."""
    title = "No integrand at one point" if first else "No optimal discriminator"
    return _step(title, f"{why[0].upper()}{why[1:]}.", [], [])


def optimum(best: Optimum, checked: list[Check]) -> Step:
    """Step 2."""
    lines = [equation("u*", best.logit), equation("D* = σ(u*)", best.discriminator)]
    kinds = {each.kind for each in best.candidates}
    if kinds == {"stationary"}:
        words = "The derivative in u is zero at u*."
        for each in best.candidates:
            lines.append(equation("∂²/∂u² at u*", each.second_derivative))
            words += _sign(each.second_derivative)
    elif kinds == {"infinity"}:
        words = (
            "The derivative in u has no zero. The integrand falls towards an infinite logit, to a "
            "finite value: the best discriminator is a limit that none reaches."
        )
    elif "stationary" in kinds:
        words = "Lowest at a stationary point or at an end of it, compared for every a/b."
    else:
        words = (
            "The derivative in u has no zero; the integrand is lowest at a kink, where the slope "
            "changes its sign. All kinks were compared."
        )
    return _step("The optimal discriminator", words, lines, checked)


def _sign(curvature: sympy.Expr) -> str:
    if curvature.is_positive:
        return " The second derivative there is positive for all a, b > 0: a minimum."
    values = numeric.lambdified(curvature, A, B)(RATIOS, 1.0)
    low, high = RATIOS[0], RATIOS[-1]
    sign = "positive: a minimum" if (values > 0).all() else "not positive everywhere"
    return f" The second derivative there, for a/b from {low:.0e} to {high:.0e}, is {sign}."


def value(
    density: sympy.Expr,
    constant: sympy.Expr,
    match: Match | None,
    is_constant: bool,
    checked: list[Check],
) -> Step:
    """Step 3."""
    number = f"{float(constant):.6g}".replace("-", "−")
    exactly = "" if constant.is_Rational else f" = {number}"
    at_equal = f" At p_data = p_g it is {text(constant)}{exactly}."
    if match:
        value = value_text(match.factor, match.divergence.name, match.constant)
        proof = {
            "symbolic": "sympy proves the two equal.",
            "numerical": f"The two agree to {TOLERANCE:g} at {len(EXPONENTS)} values of a/b.",
        }[match.proof]
        words = (
            f"With D* put in, V = −L_D is the {match.divergence.title}, up to a factor and a "
            f"constant: V(G, D*) = {value}. {proof}"
        )
        lines = [
            equation("V(G, D*)", value),
            equation(match.divergence.name, match.divergence.integral),
        ]
    elif is_constant:
        words = "With D* put in, V = −L_D is the same for every p_g: it measures no distance."
        lines = [equation("V(G, D*)", constant)]
    else:
        words = (
            "With D* put in, V = −L_D is an f-divergence, up to a constant, that has no name "
            "here, with this f and t = p_data/p_g."
        )
        lines = [
            equation("V(G, D*)", "∫ p_g(x) f(p_data(x) / p_g(x)) dx"),
            equation("f(t)", density.subs({A: T, B: 1})),
        ]
    return _step("The value at the optimum", f"{words} {CONVEX}{at_equal}", lines, checked)


def divergence(match: Match | None) -> dict[str, str | float] | None:
    """The named divergence as JSON."""
    return match and {
        "title": match.divergence.title,
        "name": match.divergence.name,
        "integral": match.divergence.integral,
        "factor": float(match.factor),
        "constant": float(match.constant),
        "text": value_text(match.factor, match.divergence.name, match.constant),
        "proof": match.proof,
    }


def searched_optimum(ratios: np.ndarray, logits: np.ndarray) -> Step:
    """Step 2 without a closed form."""
    at = ", ".join(
        f"{_searched(logit)} at a/b = {ratio:g}"
        for ratio, logit in zip(ratios, logits, strict=True)
    )
    words = (
        "sympy finds no closed form of the stationary point. Minimised directly over u, the "
        f"integrand is lowest at u* = {at}."
    )
    return _step("The optimal discriminator", words, [], [])


def _searched(logit: float) -> str:
    beyond = "beyond " if abs(logit) > numeric.WIDEST - 1 else ""
    return beyond + f"{logit:.4g}".replace("-", "−")


def searched_value(constant: float, check: Check) -> Step:
    """Step 3 without a closed form."""
    number = f"{constant:.6g}".replace("-", "−")
    words = f"No closed form, so no name. {CONVEX} At p_data = p_g it is {number}."
    return _step("The value at the optimum", words, [], [check])


def given(weight: Weight) -> str:
    """What the sampled gradient weight takes for granted, or nothing."""
    assumed = []
    if weight.averaged:
        assumed.append("all logits of one kind in the batch are equal")
    if weight.paired:
        assumed.append("D(x) = 1/2")
    return " and ".join(assumed)


def no_gradient(why: str) -> Step:
    """In place of step 4."""
    words = f"The generator's gradient has no value everywhere: {why}."
    return _step("The generator's gradient", words, [], [])


def gradient(weight: Weight, check: Check) -> Step:
    """Step 4."""
    words = "∂L_G/∂f weighs how a sample's logit moves the generator; D = D(G(z)) = σ(f)."
    if weight.paired:
        words += " It depends on the real sample too: D_x = D(x)."
    if given(weight):
        words += f" The statements hold where {given(weight)}."
    rejects, accepts = "where the discriminator rejects the sample", "where it accepts the sample"
    words += _end(weight.at_zero, f"as D(G(z)) → 0, {rejects}")
    words += _end(weight.at_one, f"as D(G(z)) → 1, {accepts}")
    for zero in weight.zeros:
        words += f" It is zero at D(G(z)) = {float(zero):.4g}."
    for low, high in weight.flat:
        words += f" It is zero from D(G(z)) = {float(low):.4g} to {float(high):.4g}."
    line = equation("∂L_G / ∂f", weight.expression)
    return _step("The generator's gradient", words, [line], [check])


def _end(limit: float, where: str) -> str:
    if np.isnan(limit):
        return ""
    if np.isinf(limit):
        return f" It grows without bound {where}."
    if limit == 0:
        return f" It vanishes {where}."
    return f" It tends to {text(numeric.exact(limit))} {where}."
