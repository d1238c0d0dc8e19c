"""The commands of `python -m ganbench`."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import yaml
from evidence_example import BASELINE, VARIANT, study_of
from ganbench.commands.arguments import main
from ganbench.commands.seed_table import find_effect
from ganbench.evidence.scales import Scale
from ganbench.evidence.seed_plan import count_needed_seeds
from ganbench.study.declared import Margin
from ganbench.study.resolve import resolve
from project import ROOT, TINY, tiny_study


@pytest.fixture
def results(tmp_path):
    """The results of a made-up study, as far as they are read."""
    scores, runs = study_of({"minimax": BASELINE, "non_saturating": VARIANT, "hinge": [9.0] * 5})
    scores["metric"] = "FD-digits-v1"
    variants = {"minimax": {}, "non_saturating": {}, "hinge": {}}
    study = resolve(tiny_study(evaluation={}, variants=variants, seeds=5), "tiny")
    (tmp_path / "study.json").write_text(json.dumps(study))
    scores.to_csv(tmp_path / "scores.csv", index=False)
    for run in runs.itertuples():
        folder = tmp_path / f"runs/{run.dataset}/{run.variant}/seed{run.seed}"
        folder.mkdir(parents=True)
        record = {"status": run.status, "step": run.step}
        (folder / "run.json").write_text(json.dumps(record))
    return tmp_path


def read_row(text: str, comparison: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(comparison))
    return line.removeprefix(comparison).split()


def test_seeds_for_a_relative_margin_are_those_of_the_ratios(results, capsys):
    assert main(["plan-seeds", str(results), "--margin", "5 %"]) == 0
    row = read_row(capsys.readouterr().out, "non_saturating against minimax")
    spread = np.std(np.log(VARIANT) - np.log(BASELINE), ddof=1)
    assert row[0] == "5"
    assert int(row[-4]) == count_needed_seeds(np.log(1.05), spread, 0.05 / 2)


def test_seeds_for_an_absolute_margin_are_planned_on_the_scale_of_the_test(results, capsys):
    assert main(["plan-seeds", str(results), "--margin", "2"]) == 0
    row = read_row(capsys.readouterr().out, "non_saturating against minimax")
    spread = np.std(np.log(VARIANT) - np.log(BASELINE), ddof=1)
    effect = np.log1p(2 / np.exp(np.mean(np.log(BASELINE))))
    assert int(row[-4]) == count_needed_seeds(effect, spread, 0.05 / 2)


def test_only_declared_contrasts_are_planned_and_count(results, capsys):
    file = results / "study.json"
    study = json.loads(file.read_text()) | {"contrasts": [["hinge", "non_saturating"]]}
    file.write_text(json.dumps(study))
    assert main(["plan-seeds", str(results)]) == 0
    said = capsys.readouterr().out
    assert "level 0.05." in said
    assert "hinge against non_saturating" in said
    assert "against minimax" not in said


def test_diverged_runs_are_no_shared_seeds(results, capsys):
    for seed in range(4):
        file = results / f"runs/digits/hinge/seed{seed}/run.json"
        file.write_text(json.dumps({"status": "diverged", "step": 7}))
    assert main(["plan-seeds", str(results)]) == 0
    row = read_row(capsys.readouterr().out, "hinge against minimax")
    assert row[0] == "1"
    assert "unknown: 2 shared seeds or more are needed" in " ".join(row)


@pytest.mark.parametrize("name", ["study.json", "scores.csv"])
def test_folder_without_results_is_refused_with_one_message(results, capsys, name):
    (results / name).unlink()
    assert main(["plan-seeds", str(results)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"there is no {name}; expected the folder of a study that has its report" in said


@pytest.mark.parametrize("text", ["0", "-5", "ten", "5 % of it", "nan"])
def test_margin_that_is_no_number_above_zero_is_refused(results, capsys, text):
    assert main(["plan-seeds", str(results), f"--margin={text}"]) == 1
    assert "expected a number above 0" in capsys.readouterr().err


def test_margin_is_a_shift_on_the_scale_of_the_test():
    identity, log = (Scale(name, -np.inf, np.inf) for name in ("identity", "log"))
    shares = Scale("angular", 0.0, 1.0)
    tenth = Margin(0.1, True)
    assert find_effect(tenth, identity, np.array([-2.0, -4.0])) == pytest.approx(0.3)
    assert find_effect(tenth, log, np.log([20.0, 40.0])) == pytest.approx(np.log(1.1))
    assert find_effect(Margin(5, False), log, np.log([20.0])) == pytest.approx(np.log(25 / 20))
    level = shares.to_positions(np.array([0.5]))
    assert find_effect(Margin(0.1, False), shares, level) == pytest.approx(
        float(np.arcsin(np.sqrt(0.6)) - np.arcsin(np.sqrt(0.5)))
    )


def test_check_says_what_a_study_would_run_and_runs_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["check", str(TINY), "--cores", "2"]) == 0
    said = capsys.readouterr().out
    assert "study tiny, 1 dataset × 2 variants × 2 seeds: 4 runs" in said
    assert "digits by FD-classifier" in said
    assert "every other variant against minimax" in said
    assert "40 steps of batches of 16" in said
    assert "on 2 cores" in said
    assert list(tmp_path.iterdir()) == []


def test_check_says_what_early_stopping_costs(tmp_path, capsys):
    study = tiny_study()
    study["training"]["stop"] = {"metric": "duality_gap", "patience": 1}
    file = tmp_path / "stopped.yaml"
    file.write_text(yaml.safe_dump(study))
    assert main(["check", str(file)]) == 0
    said = capsys.readouterr().out
    assert "training.stop: measuring duality_gap at every snapshot makes training up to" in said


def test_check_counts_the_runs_of_a_sweep(tmp_path, capsys):
    rates = {"low": 1e-4, "high": 1e-2, "scale": "log"}
    sweep = {"settings": 3, "training": {"optimizer.lr": rates}}
    file = tmp_path / "sweep.yaml"
    file.write_text(yaml.safe_dump(tiny_study(sweep=sweep)))
    status = main(["check", str(file)])
    said = capsys.readouterr()
    assert status == 0, said.err
    assert "4 runs, and 12 runs of the sweep" in said.out


@pytest.mark.parametrize(
    ("study", "message"),
    [
        (tiny_study(seeds="many"), "seeds"),
        (tiny_study(datasets={"mnist": {"source": "/nowhere"}}), "there is no folder /nowhere"),
    ],
)
def test_check_refuses_what_a_study_cannot_use(tmp_path, capsys, study, message):
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(study))
    assert main(["check", str(file)]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_commands_run_as_a_module_and_name_themselves():
    done = subprocess.run(
        [sys.executable, "-m", "ganbench", "--help"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")},
        capture_output=True,
        text=True,
        check=True,
    )
    description = " ".join(done.stdout.split("positional arguments")[0].split())
    for word in ("Checks", "watches", "bundles", "verifies", "plans seeds", "scores", "exports"):
        assert word in description
    assert "plan-seeds" in done.stdout
    assert "check" in done.stdout


def test_results_that_are_published_are_planned_from(capsys):
    assert main(["plan-seeds", str(ROOT / "results/published/precision_gpu")]) == 0
    assert read_row(capsys.readouterr().out, "bf16 against float32")[0] == "8"


def test_generator_is_exported_and_scored_from_the_command_line(finished_study, tmp_path, capsys):
    run = finished_study / "results/tiny/runs/digits/minimax/seed0"
    assert main(["export", str(run), str(tmp_path / "kept")]) == 0
    assert str(tmp_path / "kept") in capsys.readouterr().out
    options = ["--dataset", "digits", "--count", "100", "--cache", str(tmp_path / "cache")]
    assert main(["score", str(run), *options]) == 0
    of_run = capsys.readouterr().out
    assert "FD-digits-v1" in of_run
    assert main(["score", str(tmp_path / "kept"), *options]) == 0
    assert capsys.readouterr().out == of_run


def test_folder_that_is_neither_run_nor_images_is_refused(tmp_path, capsys):
    assert main(["export", str(tmp_path), str(tmp_path / "kept")]) == 1
    assert "expected that of a run" in capsys.readouterr().err
    options = ["--cache", str(tmp_path / "cache")]
    assert main(["score", str(tmp_path / "none"), *options]) == 1
    assert "there is no folder" in capsys.readouterr().err
