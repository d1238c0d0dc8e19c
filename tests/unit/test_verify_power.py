"""What `benchmarks/verify_power.py` trains, how it judges, and what it makes of the outcomes."""

import signal
import sys

import numpy as np
import pandas as pd
import pytest
from project import ROOT
from scipy import stats

sys.path.insert(0, str(ROOT / "benchmarks"))

import verify_judging
import verify_runs
from verify_runs import (
    DISHONEST,
    HALF_STEPS,
    HONEST,
    PUBLISHED,
    VARIANTS,
    Job,
    choose_training,
    with_twins,
)

SEEDS = range(1000, 1005)


@pytest.mark.parametrize(("count", "n"), [(0, 7), (7, 7), (59, 60), (60, 60), (3, 20)])
def test_bounds_are_those_of_clopper_and_pearson(count, n):
    low, high = verify_judging.bound_share(count, n)
    interval = stats.binomtest(count, n).proportion_ci(0.9, method="exact")
    assert (low, high) == pytest.approx((interval.low, interval.high))


def test_each_kind_of_run_changes_what_its_name_says():
    rates = {kind: choose_training(kind)["optimizer"]["lr"] for kind in (HONEST, *DISHONEST)}
    assert rates == {
        HONEST: 1e-3,
        "1.5 times the learning rate": pytest.approx(1.5e-3),
        "half of the batch": 1e-3,
    }
    assert choose_training("half of the batch")["batch_size"] == 16
    assert choose_training(HONEST) == choose_training(PUBLISHED) == {"optimizer": {"lr": 1e-3}}
    for kind, rate in rates.items():
        twins = [choose_training(twin)["optimizer"]["lr"] / rate for twin in with_twins(kind)]
        assert twins == pytest.approx([1, 1 + 1e-6, 1 - 1e-6], abs=1e-9)


def write_runs(folder, kinds, shift=0.0):
    """Scores of runs that differ by seed, and from the published ones by `shift` and rounding."""
    rng = np.random.default_rng(0)
    own = rng.normal(size=(len(VARIANTS), len(SEEDS), 4))
    for kind in kinds:
        for v, variant in enumerate(VARIANTS):
            for s, seed in enumerate(SEEDS):
                logs = own[v, s] + 0.01 * rng.normal(size=4) + shift * (kind != PUBLISHED)
                table = pd.DataFrame({"step": range(80, 400, 80), "value": np.exp(logs)})
                columns = {"kind": kind, "variant": variant, "seed": seed, "repeat": 0}
                table = table.assign(**columns, reference="held_out", metric=verify_judging.PRIMARY)
                half = table.assign(kind=kind.replace(HONEST, HALF_STEPS))
                runs = pd.concat([table, half] if kind.startswith(HONEST) else [table])
                runs.to_csv(Job(kind, variant, seed).file(folder), index=False)


def test_study_is_judged_when_its_last_run_is_there(tmp_path):
    names = (PUBLISHED, *with_twins(HONEST))
    write_runs(tmp_path, names)
    last = Job(names[-1], VARIANTS[1], SEEDS[-1]).file(tmp_path)
    kept = last.read_bytes()
    last.unlink()
    study = verify_judging.Study(SEEDS)
    assert study.judge(tmp_path) == []
    last.write_bytes(kept)
    table = verify_judging.tabulate(
        outcome for outcome in study.judge(tmp_path) if outcome["kind"] == HONEST
    ).set_index("repeated")
    assert list(table["accepted"]) == list(table["repetitions"]) == [5, 5, 5]
    assert table.loc[verify_judging.ALL, "lowest"] == pytest.approx(0.05 ** (1 / 5))


def test_runs_that_are_further_away_than_their_twins_are_rejected(tmp_path):
    kind = next(iter(DISHONEST))
    write_runs(tmp_path, (PUBLISHED, *with_twins(kind)), shift=0.7)
    table = verify_judging.tabulate(verify_judging.Study(SEEDS).judge(tmp_path))
    assert list(table["kind"].unique()) == [kind]
    assert (table["accepted"] == 0).all()
    assert table["accepted by the interval alone"].min() > 0


def test_run_stopped_halfway_is_the_first_half_of_the_honest_one(tmp_path, monkeypatch):
    monkeypatch.setattr(verify_runs, "NICENESS", 0)
    monkeypatch.setattr(verify_runs, "TRAINING", verify_runs.TRAINING | {"steps": 8})
    verify_runs.prepare_images(tmp_path)
    job = Job(HONEST, "minimax", 1000)
    handler = signal.getsignal(signal.SIGINT)
    verify_runs.score_run(tmp_path, tmp_path, job)
    signal.signal(signal.SIGINT, handler)
    runs = pd.read_csv(job.file(tmp_path)).set_index(["kind", "step", "reference", "metric"])
    halfway, honest = runs.loc[HALF_STEPS], runs.loc[HONEST]
    assert set(honest.index.unique("step")) == set(halfway.index.unique("step")) == {2, 4, 6, 8}
    for step in (4, 8):
        assert halfway.loc[step]["value"].equals(honest.loc[step // 2]["value"])
    assert not honest.loc[8]["value"].equals(honest.loc[4]["value"])
