"""The plugins of finished studies, found again for commands that use their parts."""

import json
import shutil

import ganbench
import pytest
from evidence_example import BASELINE, VARIANT, study_of
from ganbench.catalogue import plugins
from ganbench.commands.arguments import main
from ganbench.study.former_plugins import register_former_plugins
from ganbench.study.resolve import resolve
from plugin_example import PLUGIN
from project import tiny_study

NETWORK = {"name": "residual", "width": 4}
TRAINING = {"steps": 2, "batch_size": 8, "snapshots": 1, "network": NETWORK, "latent": {"size": 8}}


@pytest.fixture(autouse=True)
def _forget():
    plugins.forget_plugins()
    yield
    plugins.forget_plugins()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The working directory of a study with a network of its own, whose only run is trained."""
    place = tmp_path_factory.mktemp("trained")
    file = place / "my_parts.py"
    file.write_text(PLUGIN)
    evaluation = {"samples": 100, "primary_metric": "pixel_difference"}
    study = tiny_study(
        plugins="my_parts.py",
        variants={"minimax": {}},
        training=TRAINING,
        evaluation=evaluation,
    )
    resolved = resolve(study, "my.yaml", [place])
    results = place / "results/mine"
    ganbench.train("minimax", folder=results / "runs/digits/minimax/seed0", **TRAINING)
    (results / "study.json").write_text(json.dumps(resolved))
    (results / "report.html").write_text("")
    plugins.forget_plugins()
    return place


@pytest.fixture
def place(trained, tmp_path, monkeypatch):
    """A copy of it, in which the test works."""
    shutil.copytree(trained, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


def test_run_with_a_network_of_a_plugin_is_exported_and_bundled(place, capsys):
    run = "results/mine/runs/digits/minimax/seed0"
    assert main(["export", run, "kept"]) == 0, capsys.readouterr().err
    plugins.forget_plugins()
    assert main(["bundle", "results/mine"]) == 0, capsys.readouterr().err
    assert "with 1 generator" in capsys.readouterr().out


def test_plugin_elsewhere_is_named_on_the_command_line(place, capsys):
    (place / "elsewhere").mkdir()
    (place / "my_parts.py").rename(place / "elsewhere/other.py")
    for command in (
        ["export", "results/mine/runs/digits/minimax/seed0", "kept"],
        ["bundle", "results/mine"],
    ):
        assert main(command) == 1
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "the network residual is of a plugin, which was not found in the working" in said
        assert "--plugins FILE" in said
        assert main([*command, "--plugins", "elsewhere/other.py"]) == 0
        plugins.forget_plugins()


def test_another_version_of_a_plugin_is_refused(place, capsys):
    (place / "my_parts.py").write_text(PLUGIN.replace("AvgPool2d", "MaxPool2d"))
    assert main(["bundle", "results/mine"]) == 1
    assert "my_parts.py has another version of it than these results" in capsys.readouterr().err


def test_plugin_inside_of_results_is_never_read(place, capsys):
    study = json.loads((place / "results/mine/study.json").read_text())
    study["plugins"] = "results/mine/my_parts.py"
    (place / "results/mine/study.json").write_text(json.dumps(study))
    (place / "my_parts.py").rename(place / "results/mine/my_parts.py")
    assert main(["bundle", "results/mine"]) == 1
    assert "which was not found" in capsys.readouterr().err


def test_seeds_are_planned_by_a_metric_of_a_plugin(place, capsys):
    scores, runs = study_of({"minimax": BASELINE, "non_saturating": VARIANT})
    scores["metric"] = "pixel_difference"
    evaluation = {"primary_metric": "pixel_difference"}
    variants = {"minimax": {}, "non_saturating": {}}
    written = tiny_study(plugins="my_parts.py", evaluation=evaluation, variants=variants, seeds=5)
    study = resolve(written, "my.yaml", [place])
    plugins.forget_plugins()
    results = place / "results/planned"
    for run in runs.itertuples():
        folder = results / f"runs/{run.dataset}/{run.variant}/seed{run.seed}"
        folder.mkdir(parents=True)
        record = {"status": run.status, "step": run.step}
        (folder / "run.json").write_text(json.dumps(record))
    (results / "study.json").write_text(json.dumps(study))
    scores.to_csv(results / "scores.csv", index=False)
    assert main(["plan-seeds", str(results)]) == 0, capsys.readouterr().err
    assert "non_saturating against minimax" in capsys.readouterr().out


def test_studies_without_plugins_read_no_file(tmp_path):
    (tmp_path / "study.json").write_text(json.dumps({"plugins": ["none.py"]}))
    register_former_plugins(tmp_path, "network")
    assert not plugins.PARTS
