"""Mean ranks and the probability of improvement over several datasets."""

import numpy as np
import pytest
from evidence_example import ALL_FAILED, BASELINE, VARIANT, settings, study_of, together
from ganbench.evidence.proportions import Share, average_shares, superiority
from ganbench.evidence.ranks import RANK_COLUMNS, rank_variants
from scipy import stats

pytestmark = pytest.mark.filterwarnings("error")

FD = ("FD-classifier", "held_out")


def ranks_of(datasets, measure=FD, **options):
    """The table of ranks of final values by dataset, variant and seed, one row per variant."""
    metric, reference = measure
    studies = [
        study_of(finals, dataset=name, metric=metric, reference=reference)
        for name, finals in datasets.items()
    ]
    study = settings(dict.fromkeys(datasets, measure), **options)
    table = rank_variants(*together(*studies), study)
    assert table.columns.tolist() == RANK_COLUMNS
    return table.set_index("variant")


def test_improvement_is_the_mann_whitney_statistic_averaged_over_datasets():
    rng = np.random.default_rng(1)
    values = rng.normal([[[1.0], [0.5]], [[0.0], [1.5]]], 1.0, (2, 2, 5))
    finals = {
        f"d{i}": {"minimax": list(baseline), "wgan": list(variant)}
        for i, (baseline, variant) in enumerate(values)
    }
    row = ranks_of(finals).loc["wgan"]
    u = [stats.mannwhitneyu(baseline, variant).statistic / 25 for baseline, variant in values]
    assert row["probability_of_improvement"] == pytest.approx(np.mean(u))
    assert row["mean_rank"] == pytest.approx(2 - np.mean(u))
    assert row["datasets"] == 2


def test_variants_that_never_overlap_have_whole_mean_ranks():
    finals = {name: [10.0 * rank + seed for seed in range(5)] for rank, name in enumerate("cab")}
    table = ranks_of({"digits": finals, "shoes": finals}, baseline="a")
    assert table["mean_rank"].to_dict() == pytest.approx({"c": 1.0, "a": 2.0, "b": 3.0})
    assert table.loc["c", "probability_of_improvement"] == 1.0
    assert table.loc["b", "probability_of_improvement"] == 0.0
    for name, rank in (("c", 1.0), ("a", 2.0), ("b", 3.0)):
        assert 1 <= table.loc[name, "rank_ci_low"] <= rank <= table.loc[name, "rank_ci_high"] <= 3
    assert table.loc["c", "rank_ci_low"] == 1.0
    assert table.loc["c", "rank_ci_high"] > 1.1  # ten wins out of ten leave doubt
    assert table.loc["c", "poi_ci_low"] < 0.95


def test_ranks_follow_the_direction_of_the_metric():
    finals = {"minimax": [0.1] * 5, "wgan": [0.2] * 5}
    row = ranks_of({"digits": finals}, measure=("recall-classifier", "held_out")).loc["wgan"]
    assert (row["mean_rank"], row["probability_of_improvement"]) == (1.0, 1.0)


def test_mean_ranks_on_one_dataset_sum_to_those_of_all_variants():
    rng = np.random.default_rng(2)
    finals = {name: [*rng.standard_normal(4), None] for name in "abcde"}
    assert ranks_of({"digits": finals}, baseline="a")["mean_rank"].sum() == pytest.approx(15)


def test_failed_run_loses_to_every_run_that_has_a_score():
    table = ranks_of({"digits": {"minimax": BASELINE, "wgan": [1.0, 1.0, 1.0, None, None]}})
    assert table.loc["wgan", "probability_of_improvement"] == 0.6
    assert table.loc["wgan", "mean_rank"] == pytest.approx(1.4)
    table = ranks_of({"digits": {"minimax": BASELINE, "wgan": ALL_FAILED, "r1": ALL_FAILED}})
    assert table.loc["wgan", "probability_of_improvement"] == 0.0
    assert table["mean_rank"].tolist() == pytest.approx([1.0, 2.5, 2.5])


def test_variants_with_the_same_scores_share_a_rank():
    table = ranks_of({"digits": {"minimax": BASELINE, "copy": BASELINE}})
    assert table["mean_rank"].tolist() == [1.5, 1.5]
    assert table.loc["copy", "probability_of_improvement"] == 0.5
    assert table.loc["copy", "poi_ci_low"] < 0.5 < table.loc["copy", "poi_ci_high"]


def test_baseline_has_a_rank_but_no_improvement_over_itself():
    row = ranks_of({"digits": {"minimax": BASELINE, "wgan": VARIANT}}).loc["minimax"]
    assert row["mean_rank"] == 2.0
    assert row[["probability_of_improvement", "poi_ci_low", "poi_ci_high"]].isna().all()


def test_single_variant_ranks_first_with_certainty():
    row = ranks_of({"digits": {"minimax": BASELINE}}).loc["minimax"]
    assert row[["mean_rank", "rank_ci_low", "rank_ci_high"]].tolist() == [1.0, 1.0, 1.0]


def test_one_seed_leaves_a_wide_interval():
    row = ranks_of({"digits": {"minimax": [40.0], "wgan": [30.0]}}).loc["wgan"]
    assert row["probability_of_improvement"] == 1.0
    assert row["poi_ci_low"] == pytest.approx(
        stats.binomtest(1, 1).proportion_ci(method="wilson").low
    )


def test_every_dataset_is_ranked_by_its_own_primary_metric():
    finals = {"minimax": BASELINE, "wgan": VARIANT}
    digits = study_of(finals)
    shoes = study_of(finals, dataset="shoes", metric="recall-classifier")
    noise = study_of({"minimax": VARIANT, "wgan": BASELINE}, metric="KID-classifier")
    study = settings({"digits": FD, "shoes": ("recall-classifier", "held_out")})
    table = rank_variants(*together(digits, shoes, (noise[0], None)), study).set_index("variant")
    assert table.loc["wgan", "probability_of_improvement"] == 0.5  # better on one, worse on one


def test_more_datasets_narrow_the_interval():
    finals = {"minimax": [1.0, 2.0, 3.0, 4.0, 5.0], "wgan": [0.5, 1.5, 2.5, 3.5, 4.5]}
    one = ranks_of({"d0": finals}).loc["wgan"]
    four = ranks_of({f"d{i}": finals for i in range(4)}).loc["wgan"]
    width = one["poi_ci_high"] - one["poi_ci_low"]
    assert four["poi_ci_high"] - four["poi_ci_low"] == pytest.approx(width / 2)


def limits_by_grid(estimate, variance):
    """All θ on a fine grid with (estimate − θ)² ≤ z² variance(θ): the ends of the interval."""
    theta = np.linspace(0, 1, 200_001)
    inside = theta[(estimate - theta) ** 2 <= stats.norm.ppf(0.975) ** 2 * variance(theta)]
    return pytest.approx((estimate, inside.min(), inside.max()), abs=1e-5)


def newcombe(theta):
    """The variance of Newcombe's method 5 for two groups of four."""
    parts = 1 + 3 * (1 - theta) / (2 - theta) + 3 * theta / (1 + theta)
    return theta * (1 - theta) * parts / 16


@pytest.mark.parametrize(
    "wins",
    [np.ones((4, 4)), np.zeros((4, 4)), np.indices((4, 4)).sum(axis=0) % 2],
    ids=["all won", "all lost", "half won"],
)
def test_interval_is_newcombes_where_runs_are_alike(wins):
    assert superiority([wins], 0.95) == limits_by_grid(wins.mean(), newcombe)


def test_interval_is_wider_than_newcombes_where_runs_differ_more():
    wins = np.zeros((4, 4))
    wins[:2] = 1.0  # half of the runs collapsed: they lose to every rival
    variance = wins.mean(axis=1).var(ddof=1) / 4
    assert variance > newcombe(0.5)
    share = superiority([wins], 0.95)
    assert share == limits_by_grid(0.5, lambda theta: theta * (1 - theta) * variance / 0.25)


def test_average_of_shares_keeps_their_asymmetry():
    average = average_shares([Share(1.0, 0.6, 1.0), Share(1.0, 0.7, 1.0)])
    assert average == pytest.approx((1.0, 0.75, 1.0))
    assert np.isnan(average_shares([])).all()
