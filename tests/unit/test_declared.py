"""What a study declares before training: contrasts and the margin of equivalence."""

import pytest
from ganbench.study import resolve as studies
from ganbench.study.declared import list_contrasts, read_margin
from ganbench.study.schema import StudyError


def resolve(**changes):
    study = {"study": "s", "datasets": {"digits": {}}}
    study["variants"] = {"minimax": {}, "non_saturating": {}, "hinge": {}}
    return studies.resolve(study | changes, "s.yaml")


def test_every_variant_against_the_baseline_is_the_default():
    study = resolve(baseline="hinge")
    assert list_contrasts(study) == [("minimax", "hinge"), ("non_saturating", "hinge")]
    assert (study["contrasts"], study["margin"]) == ([], "")


def test_declared_contrasts_replace_the_default():
    contrasts = [["non_saturating", "minimax"], ["hinge", "non_saturating"]]
    study = resolve(contrasts=contrasts)
    assert list_contrasts(study) == [tuple(pair) for pair in contrasts]


def test_resolved_study_with_declarations_resolves_to_itself():
    study = resolve(contrasts=[["hinge", "minimax"]], margin="10 %")
    again = resolve(contrasts=study["contrasts"], margin=study["margin"])
    assert studies.drop_execution(again) == studies.drop_execution(study)


@pytest.mark.parametrize(
    ("contrasts", "message"),
    [
        (
            [["foo", "minimax"]],
            "contrasts.0: found 'foo', expected a variant of the study: minimax",
        ),
        ([["hinge", "hinge"]], "contrasts.0: found hinge twice, expected two different variants"),
        (
            [["hinge", "minimax"], ["minimax", "hinge"]],
            "contrasts.1: minimax and hinge are compared already; remove one of the two",
        ),
        ([["hinge"]], "contrasts.0: found 1 item"),
    ],
)
def test_contrast_that_compares_nothing_is_refused(contrasts, message):
    with pytest.raises(StudyError, match=message):
        resolve(contrasts=contrasts)


@pytest.mark.parametrize(
    ("text", "size", "is_share"),
    [
        ("5", 5.0, False),
        ("0.01", 0.01, False),
        ("1e-3", 0.001, False),
        ("10 %", 0.1, True),
        ("2.5%", 0.025, True),
        (" 7 ", 7.0, False),
    ],
)
def test_margin_is_a_number_or_a_share(text, size, is_share):
    assert read_margin(text) == pytest.approx((size, is_share))


@pytest.mark.parametrize("text", ["ten", "-5", "0", "0 %", "10 percent", "%", "5 10", "nan"])
def test_margin_that_is_neither_is_refused(text):
    with pytest.raises(StudyError, match=r"margin: found .* expected a number above 0"):
        resolve(margin=text)


def test_number_may_be_written_as_a_margin():
    assert resolve(margin=5)["margin"] == "5"


def test_margin_in_units_is_refused_where_datasets_have_other_units():
    both = {"digits": {}, "mixture_1d": {}}
    with pytest.raises(StudyError, match=r"margin: 5 would be in the units of FD-.* and of JSD"):
        resolve(datasets=both, margin="5")
    assert resolve(datasets=both, margin="10 %")["margin"] == "10 %"
