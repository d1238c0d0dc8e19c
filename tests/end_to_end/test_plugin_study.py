"""A study with a network, a metric and an extractor of its own, in a file beside it."""

import shutil

import pandas as pd
import pytest
import yaml
from ganbench.jobs import files
from plugin_example import PLUGIN
from project import copy_checkout, planned, snakemake, tiny_study

TRAINING = {"steps": 4, "batch_size": 16, "snapshots": 1, "history_interval": 2}


def study(plugins="studies/my_parts.py"):
    return tiny_study(
        plugins=plugins,
        seeds=1,
        variants={"minimax": {}},
        training={
            **TRAINING,
            "network": {"name": "residual", "width": 4},
            "latent": {"size": 8},
        },
        evaluation={
            "extractor": "pixels",
            "samples": 100,
            "primary_metric": "pixel_difference",
        },
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout in which the study has run."""
    checkout = copy_checkout(tmp_path_factory.mktemp("plugins") / "checkout")
    (checkout / "studies").mkdir()
    (checkout / "studies/my_parts.py").write_text(PLUGIN)
    done = snakemake(checkout, "--cores", "2", study=study())
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


def test_network_metric_and_extractor_of_a_plugin_reach_the_page(checkout):
    results = checkout / "results/tiny"
    run = results / "runs/digits/minimax/seed0"
    scores = pd.read_csv(run / "scores.csv")
    own = scores[scores.metric == "pixel_difference"]
    assert own.reference.tolist() == ["train", "held_out"]
    assert own.value.between(0, 255).all()
    assert "FD-pixels" in set(scores.metric)
    floor = pd.read_csv(results / "extractors/digits/pixels/floor.csv")
    real = floor[floor.metric == "pixel_difference"]
    assert (real.value.to_numpy() < own.value.to_numpy()).all()  # four steps teach nothing
    page = (results / "report.html").read_text()
    assert "Pixel difference" in page
    assert "The largest difference between two mean images" in page
    assert "residual" in page


def test_results_name_each_part_and_its_digest(checkout):
    results = checkout / "results/tiny"
    parts = files.read_json(results / "study.json")["parts"]
    assert parts["metric"]["pixel_difference"]["file"] == "my_parts.py"
    run = files.read_json(results / "runs/digits/minimax/seed0/run.json")
    digest = parts["network"]["residual"]["sha256"]
    assert run["parameters"]["plugin"] == {"network": "residual", "sha256": digest}
    record = files.read_json(results / "runs/digits/minimax/seed0/evaluate.record.json")
    assert parts["metric"]["pixel_difference"]["sha256"] in record["parameters"]["plugins"]


def test_edited_metric_scores_again_and_trains_nothing(checkout):
    plugin = checkout / "studies/my_parts.py"
    plugin.write_text(PLUGIN.replace(".abs().max()", ".abs().mean()"))
    try:
        assert set(planned(checkout, study=study())) == {
            "extractor/digits/pixels",  # whose floor has the score of real images
            "evaluate/digits/minimax/0",
            "report",
        }
    finally:
        plugin.write_text(PLUGIN)


def test_edited_network_is_trained_again(checkout):
    plugin = checkout / "studies/my_parts.py"
    plugin.write_text(PLUGIN.replace("AvgPool2d", "MaxPool2d"))
    try:
        assert "train/digits/minimax/0" in planned(checkout, study=study())
    finally:
        plugin.write_text(PLUGIN)


def test_copy_beside_a_study_elsewhere_makes_nothing_but_the_report_anew(checkout, tmp_path):
    """The report shows the study as written, with the place of the plugin in it."""
    shutil.copy(checkout / "studies/my_parts.py", tmp_path)
    text = yaml.safe_dump(study(plugins=["my_parts.py"]))
    (tmp_path / "study.yaml").write_text(text)
    assert set(planned(checkout, "--configfile", str(tmp_path / "study.yaml"))) == {"report"}


def test_failure_in_a_metric_names_the_line_of_the_plugin(checkout):
    plugin = checkout / "studies/my_parts.py"
    line = next(at for at, text in enumerate(PLUGIN.splitlines(), 1) if "means[0]" in text)
    plugin.write_text(PLUGIN.replace("means[0] - means[1]", "means[0] - means[2]"))
    try:
        done = snakemake(checkout, "--cores", "2", study=study())
    finally:
        plugin.write_text(PLUGIN)
    assert done.returncode != 0
    message = f"my_parts.py: line {line}: the metric pixel_difference failed: IndexError"
    assert message in done.stdout + done.stderr
