"""How numbers and names read in a sentence."""

import pytest
from ganbench import wording


def test_long_lists_of_names_are_cut():
    assert wording.listing([]) == ""
    assert wording.listing(["a"]) == "a"
    assert wording.listing(list("abcd")) == "a, b, c and d"
    assert wording.listing(list("abcdefg")) == "a, b, c and 4 more"


def test_no_number_reads_as_minus_zero_or_with_an_exponent():
    assert wording.fixed(-0.04, 1) == "0.0"
    assert wording.fixed(-12.345, 1) == "−12.3"
    assert wording.number(1.234e8) == "123400000"
    assert wording.number(-4.5678e-6) == "−0.00000457"


def test_decimal_places_follow_the_half_width_up_to_six_digits():
    assert wording.decimal_places(1e-12, 38.0) == 4
    assert wording.decimal_places(0.0, 0.0) == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0"), (-1.23456, "−1.23"), (12345.6, "12346"), (0.000123456, "0.000123")],
)
def test_numbers_are_short_and_have_a_true_minus(value, text):
    assert wording.number(value) == text


def test_value_and_interval_have_as_many_decimals_as_the_interval_justifies():
    assert wording.interval(25.8748, 16.8509, 34.8987) == ("25.9", "16.9 to 34.9")
    assert wording.interval(-0.0667, -1.234, 1.1) == ("−0.07", "−1.23 to 1.10")
    assert wording.interval(25.8748, None, None) == ("25.9", "")


@pytest.mark.parametrize(
    ("p", "text"), [(None, "–"), (0.0567, "0.057"), (0.0002, "< 0.001"), (1.0, "1.000")]
)
def test_p_values_have_three_decimals(p, text):
    assert wording.p_value(p) == text


@pytest.mark.parametrize(("seconds", "text"), [(42.4, "42 s"), (180, "3 min"), (9000, "2.5 h")])
def test_durations_are_in_the_unit_that_people_use(seconds, text):
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(
    ("flops", "text"),
    [
        (3.28e12, "3.28 TFLOP"),
        (4.1e10, "41 GFLOP"),
        (906304, "906 kFLOP"),
        (12, "12 FLOP"),
        (None, "–"),
    ],
)
def test_operations_have_a_prefix(flops, text):
    assert wording.operations(flops) == text


def test_shares_are_whole_percentages():
    shares = [0.2, None, float("nan"), 1]
    assert list(map(wording.whole_percent, shares)) == ["20 %", "–", "–", "100 %"]
