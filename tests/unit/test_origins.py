"""A report is refused over results that were made with other settings than its study has."""

from pathlib import Path

import pytest
from ganbench.jobs.files import DamagedFileError
from ganbench.jobs.provenance import canonical_json
from ganbench.report.origins import check_origins
from records_example import write_record
from report_example import make_study

STUDY = make_study(seeds=1)
DATASET = next(iter(STUDY["datasets"]))
VARIANT = next(iter(STUDY["variants"]))
MADE_WITH = {
    "samples": STUDY["datasets"][DATASET]["samples"],
    "repeats": STUDY["evaluation"]["repeats"],
    "gap": STUDY["evaluation"]["duality_gap"],
    "extractor": STUDY["evaluation"]["extractor"],
    "kind": STUDY["datasets"][DATASET]["kind"],
    "parameters": canonical_json(STUDY["runs"][DATASET][VARIANT]),
}


def record(tmp_path: Path, **changes: object) -> Path:
    file = tmp_path / f"results/s/runs/{DATASET}/{VARIANT}/seed0/evaluate.record.json"
    write_record(file, (), parameters=MADE_WITH | changes)
    return file


def test_results_of_the_study_are_reported(tmp_path):
    check_origins(STUDY, [record(tmp_path)])


@pytest.mark.parametrize("name", MADE_WITH)
def test_results_of_another_setting_are_refused_with_both_values(tmp_path, name):
    with pytest.raises(DamagedFileError) as error:
        check_origins(STUDY, [record(tmp_path, **{name: "another"})])
    assert f"were made with {name}: another, and the study has" in str(error.value)
    assert "it makes them again" in str(error.value)


def test_theory_and_data_have_no_settings_of_scores(tmp_path):
    file = tmp_path / "results/s/theory/minimax.record.json"
    write_record(file, (), parameters={"objective": "{}"})
    check_origins(STUDY, [file])
