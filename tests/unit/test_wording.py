"""How numbers and names read in a sentence."""

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
