"""Every column of every CSV file has a type, a unit and a meaning, in code and in prose."""

import re

import pytest
from ganbench.catalogue.columns import load_tables
from ganbench.commands.bundle_contents import parse_manifest, write_manifest
from ganbench.evaluation.snapshots import COLUMNS as SCORE_COLUMNS
from ganbench.evidence.best_steps import COLUMNS as BEST_COLUMNS
from ganbench.evidence.comparisons import COMPARISON_COLUMNS
from ganbench.evidence.factors import FACTOR_COLUMNS
from ganbench.evidence.ranks import RANK_COLUMNS
from ganbench.evidence.tables import (
    NOISE_COLUMNS,
    PROFILE_COLUMNS,
    RATE_COLUMNS,
    SUMMARY_COLUMNS,
)
from ganbench.evidence.tuning import TUNING_COLUMNS, WINNER_COLUMNS
from ganbench.training.measure import COLUMNS as HISTORY_COLUMNS
from project import ROOT

WRITTEN = {
    "scores": SCORE_COLUMNS,
    "summary": SUMMARY_COLUMNS,
    "comparisons": COMPARISON_COLUMNS,
    "pairs": COMPARISON_COLUMNS,
    "rates": RATE_COLUMNS,
    "ranks": RANK_COLUMNS,
    "profiles": PROFILE_COLUMNS,
    "best_steps": BEST_COLUMNS,
    "noise": NOISE_COLUMNS,
    "tuning": TUNING_COLUMNS,
    "winners": WINNER_COLUMNS,
    "factors": FACTOR_COLUMNS,
    "history": ("dataset", "variant", "seed", *HISTORY_COLUMNS),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_catalogue_has_the_columns_that_the_code_writes(name):
    assert list(load_tables()[name].columns) == list(WRITTEN[name])


def test_every_column_has_a_type_of_table_schema_and_a_meaning():
    for name, table in load_tables().items():
        assert table.row, name
        for column in table.columns.values():
            assert column.type in ("string", "integer", "number"), (name, column)
            assert column.meaning, (name, column)
            assert column.unit or column.type != "number", (name, column)


def test_guide_to_results_names_every_column():
    guide = (ROOT / "results/README.md").read_text(encoding="utf-8")
    named = {
        part for quoted in re.findall(r"`([^`]+)`", guide) for part in re.findall(r"\w+", quoted)
    }
    columns = {column for table in load_tables().values() for column in table.columns}
    assert columns - named == set()


def test_manifest_is_read_as_it_was_written():
    digests = parse_manifest(write_manifest({"b": b"2", "a/c": b"1"}))
    assert list(digests) == ["a/c", "b"]
    for text in (b"no digest", b"0" * 64 + b"  a\n" + b"0" * 64 + b"  a\n"):
        with pytest.raises(ValueError, match="expected a SHA-256"):
            parse_manifest(text)
