"""A run whose loss is not finite is a result with step and reason, and the others go on."""

import io
import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from faulty import copied
from ganbench import regularizers
from ganbench.study import resolve as study
from ganbench.training import step
from ganbench.training.loop import train
from ganbench.training.records import RunFiles
from project import snakemake, tiny_study

AT = 23
"""The step whose loss is not finite; history has a row every tenth step."""


def outputs(folder):
    names = ("snapshots.pt", "history.csv", "samples.png", "run.json")
    return RunFiles(*(folder / name for name in names))


def once(function, value):
    """`function`, whose result is `value` at its AT-th call."""
    calls = iter(range(1, 10**9))

    def faulty(*arguments, **options):
        result = function(*arguments, **options)
        return result * value if next(calls) == AT else result

    return faulty


@pytest.mark.parametrize("value", [math.nan, math.inf], ids=["nan", "inf"])
@pytest.mark.parametrize("where", ["discriminator", "generator", "regularizer"])
@pytest.mark.promise("divergence-recorded")
def test_non_finite_loss_ends_the_run_at_its_step(
    tmp_path, monkeypatch, finished_study, where, value
):
    parameters = study.resolve(tiny_study(), "tiny")["runs"]["digits"]["non_saturating"]
    parameters |= {"snapshots": 4}
    if where == "regularizer":
        parameters["regularizers"] = {"r1": {"weight": 1.0, "every": 1}}
        parameters["network"]["discriminator_norm"] = "none"
        r1 = regularizers.PENALTIES["r1"]
        faulty_r1 = replace(r1, cost=once(r1.cost, value))
        monkeypatch.setitem(regularizers.PENALTIES, "r1", faulty_r1)
    else:
        losses = step.losses_of

        def faulty(*arguments):
            discriminator, generator = losses(*arguments)
            if where == "discriminator":
                return once(discriminator, value), generator
            return discriminator, once(generator, value)

        monkeypatch.setattr("ganbench.training.run.losses_of", faulty)
    train(
        parameters=parameters,
        dataset="digits",
        variant="v",
        seed=0,
        data_file=finished_study / "results/tiny/datasets/digits/data.npz",
        outputs=outputs(tmp_path),
        log=(log := io.StringIO()),
        log_interval=60,
        checkpoint_folder=tmp_path / "checkpoints",
    )
    run = json.loads((tmp_path / "run.json").read_text())
    assert (run["status"], run["step"]) == ("diverged", AT)
    expected = where if where == "regularizer" else f"{where} loss"
    assert run["reason"] == f"non-finite {expected}"
    assert f"diverged at step {AT} of 40: {run['reason']}" in log.getvalue()
    history = pd.read_csv(tmp_path / "history.csv")
    assert history["step"].tolist() == [10, 20]
    assert np.isfinite(history.to_numpy()).all()
    snapshots = torch.load(tmp_path / "snapshots.pt", weights_only=True)
    assert snapshots["steps"] == [10, 20]
    states = [tensor for state in snapshots["generators"] for tensor in state.values()]
    assert all(torch.isfinite(tensor).all() for tensor in states)


@pytest.fixture(scope="module")
def checkout(finished_study, tmp_path_factory):
    return copied(finished_study, tmp_path_factory.mktemp("diverged"))


HOPELESS = {"objective": "minimax", "training": {"optimizer": {"name": "sgd", "lr": 1e30}}}


def finished(checkout, variants) -> tuple[dict[str, pd.DataFrame], str]:
    """The tables and the page of a study of these variants."""
    done = snakemake(checkout, "--cores", "2", study=tiny_study(variants=variants))
    assert done.returncode == 0, done.stdout + done.stderr
    results = checkout / "results/tiny"
    tables = {name: pd.read_csv(results / f"{name}.csv") for name in ("summary", "rates", "scores")}
    return tables, (results / "report.html").read_text(encoding="utf-8")


@pytest.mark.promise("divergence-contained")
def test_other_runs_are_scored_as_before_and_failed_ones_counted(checkout, finished_study):
    before = pd.read_csv(finished_study / "results/tiny/scores.csv")
    tables, page = finished(checkout, tiny_study()["variants"] | {"hopeless": HOPELESS})
    rates = tables["rates"].query("outcome == 'diverged'").set_index("variant")["count"]
    assert rates.to_dict() == {"minimax": 0, "non_saturating": 0, "hopeless": 2}
    pd.testing.assert_frame_equal(tables["scores"].query("variant != 'hopeless'"), before)
    failed = tables["summary"].query("variant == 'hopeless'")
    assert failed.empty or (failed["n"] == 0).all()
    assert "non-finite" in page


@pytest.mark.promise("all-diverged")
def test_report_of_a_study_whose_every_run_diverged_says_so(checkout):
    tables, page = finished(checkout, {"hopeless": HOPELESS})
    assert tables["scores"].empty
    rates = tables["rates"].query("outcome == 'diverged'")
    assert (rates["count"], rates["n"])[0].tolist() == rates["n"].tolist() == [2]
    assert "2 runs diverged" in page
