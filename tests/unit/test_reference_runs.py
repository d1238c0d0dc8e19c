"""The runs of a reference on the page and in the tables: named, paired or not, never failed."""

import json

import numpy as np
import pandas as pd
import pytest
from ganbench.jobs.provenance import sha256_file
from ganbench.references.take import ReferenceOutputs, take_reference
from ganbench.report.missing_runs import describe_missing
from ganbench.report.reference_runs import (
    describe_references,
    drop_unmeasured,
    join_references,
    read_reference_runs,
)
from ganbench.report.report import make_tables, write_report
from ganbench.report.results import read_results
from ganbench.study.references import read_references
from report_example import ALL_METRICS, FEW_METRICS, make_results, make_study, without_pdf

DATASETS = ("digits", "mixture_1d")


@pytest.fixture
def finish(tmp_path):
    """Writes a finished study as a reference and one that names it; returns study and inputs."""

    def write(seeds=3, fingerprint=None, metrics=FEW_METRICS, lock="same", missing=()):
        other = make_study(("minimax", "wgan_gp"), ("digits",), seeds=3)
        made = make_results(tmp_path / "made", other, metrics=metrics, missing=missing)
        reference = tmp_path / "reference"
        reference.mkdir()
        (reference / "study.json").write_text(json.dumps(other | {"study": "other"}))
        tables = [pd.read_csv(file, keep_default_na=False) for file in made["scores"]]
        pd.concat(tables).to_csv(reference / "scores.csv", index=False)
        for run_file, history in zip(made["runs"], made["histories"], strict=True):
            run = json.loads(run_file.read_text())
            place = reference / f"runs/{run['dataset']}/{run['variant']}/seed{run['seed']}"
            place.mkdir(parents=True)
            run["fingerprint"]["digest"] = fingerprint or run["fingerprint"]["digest"]
            (place / "run.json").write_text(json.dumps(run))
            (place / "history.csv").write_text(history.read_text())
        study = make_study(("hinge",), DATASETS, seeds=seeds, reference=str(reference))
        inputs = make_results(tmp_path / "own", study, metrics=FEW_METRICS)
        return study, inputs | take(study, reference, tmp_path, lock, inputs["lock"][0])

    return write


def take(study, reference, folder, lock, own_lock):
    """The files that the rule `reference` writes; digests of data are tested elsewhere."""
    outputs = ReferenceOutputs(
        *(
            folder / f"references/other/{name}"
            for name in ("runs.json", "scores.csv", "history.csv")
        )
    )
    for file in outputs:
        file.parent.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganbench.references.take.check_digests", lambda *_: None)
        take_reference(
            source=reference,
            described="somewhere/other",
            sha256=study["references"]["other"]["sha256"],
            datasets=list(study["references"]["other"]["variants"]),
            prepare_records=(),
            extractor_cards=(),
            outputs=outputs,
        )
    facts = json.loads(outputs.runs.read_text())
    assert facts["lock_sha256"] is None
    facts["lock_sha256"] = sha256_file(own_lock) if lock == "same" else "0" * 64
    outputs.runs.write_text(json.dumps(facts))
    names = ("reference_runs", "reference_scores", "reference_histories")
    return {name: [file] for name, file in zip(names, outputs, strict=True)}


def join(study, inputs):
    return join_references(read_results(study, inputs), read_reference_runs(inputs))


def compare(results):
    table = make_tables(results)["comparisons"]
    return table[table["role"] == "declared"].set_index(["dataset", "variant", "baseline"])


def test_runs_of_one_machine_and_lock_are_paired_by_seed(finish):
    table = compare(join(*finish()))
    assert list(table.index) == [
        ("digits", "hinge", "other/minimax"),
        ("digits", "hinge", "other/wgan_gp"),
    ]
    assert set(table["test"]) == {"paired t"}
    assert set(table["n_pairs"]) == {3}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"fingerprint": "0" * 16}, "processor, device or libraries"),
        ({"lock": "other"}, "lock file"),
    ],
)
def test_runs_of_another_machine_or_lock_are_not_paired_and_the_page_says_so(
    finish, options, reason
):
    results = join(*finish(**options))
    table = compare(results)
    assert set(table["test"]) == {"Welch t"}
    assert set(table["n_pairs"]) == {0}
    (sentence,) = describe_references(results)
    assert f"Its {reason} differs from the study’s own, so that comparisons with it are not" in (
        sentence
    )


def test_unpaired_comparison_is_welchs_of_the_same_scores(finish):
    row = compare(join(*finish(lock="other"))).iloc[0]
    assert row["p_value"] == pytest.approx(row["welch_p_value"], rel=1e-9)


def test_runs_of_one_reference_stay_pairs_of_each_other(finish):
    results = join(*finish(lock="other"))
    pairs = make_tables(results)["pairs"].set_index(["variant", "baseline"])
    assert set(pairs.loc[("other/wgan_gp", "other/minimax"), "n_pairs"]) == {3}
    assert set(pairs.loc[("hinge", "other/minimax"), "n_pairs"]) == {0}


def test_dataset_that_a_reference_lacks_has_own_runs_alone(finish):
    results = join(*finish())
    assert results.variants == ["hinge", "other/minimax", "other/wgan_gp"]
    assert results.variants_on("mixture_1d") == ["hinge"]
    summary = make_tables(results)["summary"]
    assert set(summary[summary["dataset"] == "mixture_1d"]["variant"]) == {"hinge"}


def test_metric_that_a_reference_lacks_does_not_count_its_runs_as_failed(finish):
    results = join(*finish(metrics=("FD",)))
    tables = make_tables(results)
    summary = tables["summary"].set_index(["dataset", "variant", "metric", "reference"])
    assert summary.loc[("digits", "hinge", "recall-classifier", "held_out"), "n"] == 3
    assert ("digits", "other/minimax", "recall-classifier", "held_out") not in summary.index
    assert (tables["summary"]["failed"] == 0).all()
    assert not tables["comparisons"]["metric"].str.startswith("recall").any()


def test_reference_measures_that_the_study_lacks_are_left_out(finish):
    results = join(*finish(metrics=ALL_METRICS))
    own = results.scores[results.scores["variant"] == "hinge"]["metric"]
    assert set(results.scores["metric"]) == set(own)


def test_diverged_and_missing_runs_of_a_reference_are_told_apart(finish):
    results = join(*finish(missing=[("digits", "minimax", 1)]))
    assert not describe_missing(results)  # what a reference has not is not missing in this study
    seeds = results.runs[results.runs["variant"] == "other/minimax"]["seed"]
    assert list(seeds) == [0, 2]


def test_learning_curves_have_the_reference_with_its_seconds(finish):
    curves = join(*finish()).curves
    rows = curves[curves["variant"] == "other/minimax"]
    assert len(rows) == 3 * 4 * 4  # seeds, snapshots, two metrics by two references
    assert np.isfinite(rows["seconds"]).all()


def test_study_without_references_joins_nothing(tmp_path):
    study = make_study(("hinge",))
    results = read_results(study, make_results(tmp_path, study, metrics=FEW_METRICS))
    assert join_references(results, read_reference_runs({})) is results
    tables = {"any": pd.DataFrame({"variant": ["a"]})}
    assert drop_unmeasured(tables, results)["any"] is tables["any"]


def test_page_names_the_reference_in_leaderboard_and_methods(finish, tmp_path):
    study, inputs = finish(lock="other")
    with without_pdf():
        write_report(study, inputs, tmp_path / "report")
    page = (tmp_path / "report/report.html").read_text(encoding="utf-8")
    assert page.count("6 runs of other/minimax and other/wgan_gp are not of this study") >= 3
    assert f"read from {study['reference']}" in page
    assert "not paired by seed" in page
    assert "1 variant × 2 datasets × 3 seeds: 6 runs" in page
    assert "Beside them, 6 runs of references." in page
    assert "Another declaration" not in page  # declarations are of the study's own runs
    assert page.count('<span class="note">reference</span>') >= 2
    assert "a reference has scores and no samples" in page
    scores = pd.read_csv(tmp_path / "report/scores.csv")
    assert set(scores["variant"]) == {"hinge", "other/minimax", "other/wgan_gp"}
    written = json.loads((tmp_path / "report/study.json").read_text())
    assert list(written["variants"]) == ["hinge"]
    assert written["references"]["other"]["sha256"] == study["references"]["other"]["sha256"]


def test_reference_that_changed_after_planning_is_refused(finish, tmp_path):
    study, _ = finish()
    with (tmp_path / "reference/scores.csv").open("a") as table:
        table.write("\n")
    with pytest.raises(RuntimeError, match="changed since this study was planned"):
        take(study, tmp_path / "reference", tmp_path, "same", None)
    assert read_references(str(tmp_path / "reference"), [])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"status": "running"}, "does not say how it ended"),
        ({"step": None}, "does not say how it ended"),
        ({"parameters": {"steps": 1}}, "was trained with other parameters than study.json has"),
    ],
)
def test_run_that_is_not_of_the_study_of_a_reference_is_refused(finish, tmp_path, change, problem):
    finish()
    file = tmp_path / "reference/runs/digits/minimax/seed0/run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    (reference,) = read_references(str(tmp_path / "reference"), [])
    study = {"references": {"other": {"sha256": reference.sha256, "variants": {"digits": []}}}}
    with pytest.raises(RuntimeError, match=problem):
        take(study, tmp_path / "reference", tmp_path, "same", None)
