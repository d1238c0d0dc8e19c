"""Networks, metrics and extractors of plugins: what is read, what is run, what is refused."""

import re
import subprocess
import sys

import ganbench
import numpy as np
import pytest
import torch
from ganbench.catalogue import plugins
from ganbench.catalogue.metrics import METRICS, qualify
from ganbench.catalogue.plugin_parts import PluginError, read_parts
from ganbench.evaluation.own_extractor import OwnExtractor
from ganbench.evaluation.own_metrics import Sample, score_images, score_points
from ganbench.networks.build import build_discriminator, build_generator
from ganbench.study.resolve import resolve
from ganbench.study.schema import StudyError, load_schema
from plugin_example import PLUGIN
from project import ROOT, tiny_study

METRIC = '@ganbench.metric("mine", better="lower", definition="d")\ndef f(generated, real):\n'


@pytest.fixture(autouse=True)
def _forget():
    yield
    plugins.forget_plugins()


@pytest.fixture
def plugin(tmp_path):
    file = tmp_path / "my_parts.py"
    file.write_text(PLUGIN)
    return file


def resolve_with(file, **changes):
    network = {"name": "residual", "width": 4}
    training = {**tiny_study()["training"], "network": network}
    study = tiny_study(plugins=file.name, **{"training": training, **changes})
    return resolve(study, "my.yaml", [file.parent])


def read_digests(file):
    return {part.name: part.sha256 for part in read_parts(file)}


def test_planning_reads_a_plugin_without_running_it(plugin):
    plugin.write_text("raise SystemExit\n" + PLUGIN)
    study = resolve_with(plugin, evaluation={"samples": 100, "primary_metric": "pixel_difference"})
    assert set(study["parts"]) == {"network", "metric", "extractor"}
    assert study["datasets"]["digits"]["primary"]["metric"] == "pixel_difference"


def test_planning_a_plugin_loads_no_torch(plugin):
    script = (
        "import sys; from ganbench.catalogue.plugins import register_plugins\n"
        f"register_plugins([{str(plugin)!r}]); sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT / "workflow/scripts", check=False
    )
    assert done.returncode == 0


def test_network_of_a_plugin_is_built_for_the_runs_that_name_it(plugin):
    run = resolve_with(plugin)["runs"]["digits"]["minimax"]
    latents = torch.zeros(3, run["latent"]["size"])
    images = build_generator(run, (1, 8, 8))(latents)
    assert images.shape == (3, 1, 8, 8)
    assert build_discriminator(run, (1, 8, 8))(images).shape == (3,)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (
            "torch.tanh(self.end(self.body(self.form(self.start(latents)))))",
            "3 + self.end(self.body(self.form(self.start(latents))))",
            "def forward(self, latents)",
            "the generator of the network residual makes images with values from ",
        ),
        (
            "nn.Upsample(scale_factor=2)",
            "nn.Upsample(scale_factor=4)",
            "def forward(self, latents)",
            "the generator of the network residual makes of 4 latents the shape (4, 1, 16, 16), "
            "expected the shape (4, 1, 8, 8)",
        ),
        (
            ".mean((2, 3))).flatten()",
            ".mean((2, 3)))",
            "def forward(self, images):\n        return self.end",
            "the discriminator of the network residual makes of 4 samples the shape (4, 1), "
            "expected the shape (4,); flatten it",
        ),
        (
            ".mean((2, 3))).flatten()",
            ".mean((2, 3))).flatten(), 1",
            "def forward(self, images):\n        return self.end",
            "the discriminator of the network residual makes of 4 samples tuple, expected",
        ),
    ],
)
def test_networks_that_return_something_else_are_refused(plugin, old, new, line, message):
    text = PLUGIN.replace(old, new)
    plugin.write_text(text)
    run = resolve_with(plugin)["runs"]["digits"]["minimax"]
    build = build_generator if "generator" in message else build_discriminator
    with pytest.raises(PluginError) as refused:
        build(run, (1, 8, 8))
    number = text[: text.index(line)].count("\n") + 1
    assert str(refused.value).startswith(f"my_parts.py: line {number}: {message}")


def test_trying_a_network_changes_neither_random_streams_nor_weights(plugin, monkeypatch):
    text = PLUGIN.replace(
        "nn.Upsample(scale_factor=2)", "nn.Dropout(), nn.Upsample(scale_factor=2)"
    )
    plugin.write_text(
        text.replace("width, 3, padding=1)]", "width, 3, padding=1), nn.BatchNorm2d(width)]")
    )
    run = resolve_with(plugin)["runs"]["digits"]["minimax"]

    def build():
        torch.manual_seed(3)
        networks = build_generator(run, (1, 8, 8)), build_discriminator(run, (1, 8, 8))
        return [*(value for network in networks for value in network.state_dict().values())], (
            torch.rand(4)
        )

    weights, drawn = build()
    for name in ("check_generator", "check_discriminator"):
        monkeypatch.setattr(f"ganbench.networks.build.{name}", lambda *_: None)
    others, drawn_too = build()
    assert torch.equal(drawn, drawn_too)
    assert all(torch.equal(one, other) for one, other in zip(weights, others, strict=True))


@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated:FutureWarning")
def test_network_that_cannot_be_copied_is_built(plugin):
    text = PLUGIN.replace("nn.Linear(width, 1)", "nn.utils.weight_norm(nn.Linear(width, 1))")
    plugin.write_text(text)
    run = resolve_with(plugin)["runs"]["digits"]["minimax"]
    assert build_discriminator(run, (1, 8, 8))(torch.zeros(3, 1, 8, 8)).shape == (3,)


def test_run_of_another_version_of_a_plugin_is_not_built(plugin):
    run = resolve_with(plugin)["runs"]["digits"]["minimax"]
    plugin.write_text(PLUGIN.replace("AvgPool2d", "MaxPool2d"))
    ganbench.use_plugin(plugin)
    with pytest.raises(PluginError, match="residual is of another plugin"):
        build_generator(run, (1, 8, 8))
    plugins.forget_plugins()
    with pytest.raises(PluginError, match="plugin, which was not read"):
        build_generator(run, (1, 8, 8))


def test_image_sizes_that_a_network_does_not_fit_are_refused(plugin):
    plugin.write_text(PLUGIN.replace("multiple_of=2", "multiple_of=16"))
    with pytest.raises(StudyError, match="residual fits resolutions that are multiples of 16"):
        resolve_with(plugin)


def test_scores_without_features_are_not_named_after_an_extractor(plugin):
    ganbench.use_plugin(plugin)
    assert qualify("pixel_difference", "digits-v1") == "pixel_difference"
    plugin.write_text(PLUGIN.replace('better="lower"', 'better="lower", uses_features=True'))
    ganbench.use_plugin(plugin)
    assert qualify("pixel_difference", "digits-v1") == "pixel_difference-digits-v1"


def test_metric_of_points_is_scored(plugin):
    ganbench.use_plugin(plugin)
    points = np.array([[1.0, 3.0], [1.0, 3.0]])
    assert score_points(points, points) == {"spread": 1.0}


def test_edited_plugin_that_is_read_again_runs_as_it_is_now(plugin):
    points = np.array([[1.0, 3.0], [1.0, 3.0]])
    ganbench.use_plugin(plugin)
    plugin.write_text(PLUGIN.replace("points.std()", "points.mean()"))
    assert score_points(points, points) == {"spread": 1.0}  # as its digest says
    ganbench.use_plugin(plugin)
    assert score_points(points, points) == {"spread": 2.0}


def test_value_that_is_no_finite_number_is_refused_with_its_place(plugin):
    plugin.write_text(PLUGIN.replace("points.std()", "float('nan')"))
    ganbench.use_plugin(plugin)
    with pytest.raises(PluginError, match=r"my_parts.py: line \d+: .*spread is nan"):
        score_points(np.zeros((2, 1)), np.zeros((2, 1)))


def test_extractor_must_give_the_logits_that_it_promises(plugin):
    ganbench.use_plugin(plugin)
    network = OwnExtractor("pixels", torch.nn.Flatten())
    features, logits = network(torch.zeros(2, 1, 2, 2))
    assert features.shape == (2, 4)
    assert logits is None
    plugin.write_text(PLUGIN.replace('extractor("pixels"', 'extractor("pixels", classes=True'))
    ganbench.use_plugin(plugin)
    with pytest.raises(PluginError, match="found no logits, expected features"):
        network(torch.zeros(2, 1, 2, 2))


def test_digest_of_a_part_is_of_the_file_without_the_other_parts(plugin):
    before = read_digests(plugin)
    plugin.write_text(PLUGIN.replace("points.std()", "points.var()"))
    after = read_digests(plugin)
    assert {name for name in before if before[name] != after[name]} == {"spread"}
    plugin.write_text(PLUGIN.replace("images / 255", "images / 256"))  # of no part alone
    assert not set(before.items()) & set(read_digests(plugin).items())


def test_part_that_others_call_counts_for_them_too(plugin):
    helper = PLUGIN + "\n\ndef twice(points):\n    return spread(points, points)\n"
    plugin.write_text(helper)
    before = read_digests(plugin)
    plugin.write_text(helper.replace("points.std()", "points.var()"))
    assert not set(before.items()) & set(read_digests(plugin).items())


def test_part_that_a_called_part_calls_counts_too(plugin):
    helper = PLUGIN + (
        '\n\n@ganbench.metric("wide", of="points", better="lower", definition="Twice.")\n'
        "def wide(generated, real):\n    return 2 * spread(generated, real)\n"
        '\n\n@ganbench.metric("wider", of="points", better="lower", definition="Thrice.")\n'
        "def wider(generated, real):\n    return 3 * wide(generated, real)\n"
    )
    plugin.write_text(helper)
    before = read_digests(plugin)
    plugin.write_text(helper.replace("points.std()", "points.var()"))
    after = read_digests(plugin)
    assert {name for name in before if before[name] != after[name]} == {"spread", "wide", "wider"}


def test_place_and_line_ends_of_a_plugin_do_not_count(plugin, tmp_path):
    copy = tmp_path / "elsewhere" / "my_parts.py"
    copy.parent.mkdir()
    copy.write_bytes(PLUGIN.replace("\n", "\r\n").encode())
    assert read_digests(copy) == read_digests(plugin)


def test_shipped_studies_have_no_trace_of_plugins():
    study = resolve(tiny_study(), "my.yaml")
    assert "parts" not in study
    assert "plugin" not in study["runs"]["digits"]["minimax"]


def test_forgotten_parts_leave_the_catalogue_and_the_schema_as_they_were(plugin):
    names, schema = list(METRICS), load_schema()
    ganbench.use_plugin(plugin)
    assert load_schema() != schema
    plugins.forget_plugins()
    assert list(METRICS) == names
    assert load_schema() == schema


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = (\n", "line 1: this is not valid Python: '(' was never closed"),
        ("x = 1\ndef f()\n    pass\n", "line 2: this is not valid Python: expected ':'"),
        ("x = 1\n", "found no part, expected a function below @ganbench.network"),
        (METRIC.replace("lower", "up") + " pass", "line 1: better is 'up', expected one of lower"),
        (METRIC.replace('"mine"', "name") + " pass", "line 1: expected literals"),
        (METRIC.replace('"mine", ', "") + " pass", "line 1: expected one name"),
        (METRIC.replace("mine", "my-metric") + " pass", "line 1: expected one name"),
        (METRIC.replace(', definition="d"', "") + " pass", "line 1: missing the key 'definition'"),
        (METRIC.replace("definition", "meaning") + " pass", "line 1: unknown key 'meaning'"),
        (METRIC.replace('"d"', "3") + " pass", "line 1: definition is 3, expected a text"),
        (METRIC.replace("mine", "FD") + " pass", "line 1: the name 'FD' is that of a shipped"),
        (
            f"{METRIC} pass\n{METRIC} pass",
            "line 4: the metric 'mine' stands at my_parts.py: line 1",
        ),
        ("@ganbench.metric\ndef f(): pass", "line 1: the decorator has no name"),
        ("x = '\x00'", "line 1: this is not valid Python"),
    ],
)
def test_unusable_plugin_is_refused_with_file_and_line(plugin, text, message):
    plugin.write_text(text)
    with pytest.raises(StudyError) as refused:
        resolve_with(plugin)
    assert str(refused.value).startswith(f"my.yaml: plugins: my_parts.py: {message}")
    assert "<unknown>" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"training": {"network": {"name": "residul"}}}, "; did you mean 'residual'?"),
        ({"evaluation": {"primary_metric": "pixel_diference"}}, "did you mean 'pixel_difference'?"),
    ],
)
def test_mistyped_part_of_a_plugin_gets_a_suggestion(plugin, changes, hint):
    with pytest.raises(StudyError, match=re.escape(hint)):
        resolve_with(plugin, **changes)


def test_mistyped_key_of_a_decorator_gets_a_suggestion(plugin):
    plugin.write_text(METRIC.replace("better", "beter") + " pass")
    with pytest.raises(StudyError, match=r"unknown key 'beter' .*; did you mean 'better"):
        resolve_with(plugin)


def test_plugin_that_is_not_there_is_refused_with_the_folders(tmp_path):
    with pytest.raises(StudyError, match=r"^my.yaml: plugins: there is no file none.py in "):
        resolve(tiny_study(plugins=["none.py"]), "my.yaml", [tmp_path])


def test_plugin_of_the_guide_can_be_used(tmp_path):
    guide = (ROOT / "config/README.md").read_text(encoding="utf-8")
    file = tmp_path / "my_parts.py"
    file.write_text(re.search(r"```python\n(import math.*?)```", guide, re.S)[1])
    training = {**tiny_study()["training"], "network": {"name": "small", "width": 4}}
    evaluation = {"samples": 100, "primary_metric": "mean_difference"}
    study = resolve_with(file, training=training, evaluation=evaluation)
    run = study["runs"]["digits"]["minimax"]
    images = build_generator(run, (1, 8, 8))(torch.zeros(2, 8))
    assert build_discriminator(run, (1, 8, 8))(images).shape == (2,)
    assert list(study["parts"]) == ["network", "metric", "extractor"]
    dark, light = (torch.full((2, 1, 4, 4), grey, dtype=torch.uint8) for grey in (0, 50))
    splits = {name: Sample(light, light.flatten(1)) for name in ("train", "held_out")}
    scores = score_images(Sample(dark, dark.flatten(1)), splits, "flat")
    assert list(scores) == [(name, "mean_difference", 50.0) for name in splits]
    features, _ = OwnExtractor("flat", plugins.load_part("extractor", "flat")())(dark)
    assert features.shape == (2, 16)


def test_two_plugins_may_not_have_a_part_of_one_name(plugin):
    other = plugin.with_name("other.py")
    other.write_text(METRIC.replace("mine", "spread") + "    pass\n")
    with pytest.raises(StudyError, match=r"other.py: line 1: the metric 'spread' stands at my_"):
        resolve(tiny_study(plugins=["my_parts.py", "other.py"]), "my.yaml", [plugin.parent])


def test_error_of_a_plugin_at_its_top_names_the_line(plugin):
    plugin.write_text(PLUGIN.replace("class Block", "1 / 0\n\n\nclass Block"))
    ganbench.use_plugin(plugin)
    line = PLUGIN.splitlines().index("class Block(nn.Module):") + 1
    with pytest.raises(PluginError, match=rf"my_parts.py: line {line}: the metric spread"):
        plugins.load_part("metric", "spread")
