"""What a study declares before training, its digest, and what the report says of earlier ones."""

import copy
import json

import pytest
from ganbench.jobs.errors import ActionableError
from ganbench.report.declarations import describe_declaration
from ganbench.report.results import read_results
from ganbench.study.declaration import (
    digest_declaration,
    keep_declaration,
    list_changes,
    read_declarations,
)
from ganbench.study.resolve import resolve
from project import tiny_study
from report_example import make_results, make_study


def declare(**changes) -> dict:
    return resolve(tiny_study(**changes), "tiny.yaml")


def change(study: dict, path: str, value: object) -> dict:
    """A copy of a resolved study with one key, by its dotted path, changed."""
    changed = copy.deepcopy(study)
    group = changed
    *groups, name = path.split(".")
    for key in groups:
        group = group[key]
    group[name] = value
    return changed


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Another title", "description": "Words."},
        {"checkpoint_interval": 7, "log_interval": 3, "gpu_slots": 2},
        {"seeds": [0, 1]},
        {"training": dict(reversed(tiny_study()["training"].items()))},
    ],
    ids=["words", "execution", "spelling", "order"],
)
def test_digest_is_the_same_where_nothing_else_is_declared(changes):
    assert digest_declaration(declare(**changes)) == digest_declaration(declare())


def test_digest_is_the_same_wherever_verified_files_lie():
    study = declare(datasets={"mnist": {}})
    assert digest_declaration(change(study, "datasets.mnist.source", "~/data")) == (
        digest_declaration(study)
    )


def test_digest_changes_with_the_folder_whose_images_are_the_data():
    photos = {"kind": "image_folder", "source": "photos", "resolution": 8}
    study = declare(datasets={"photos": photos})
    assert digest_declaration(change(study, "datasets.photos.source", "others")) != (
        digest_declaration(study)
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("margin", "10 %"),
        ("contrasts", [["minimax", "non_saturating"]]),
        ("seeds", [0, 1, 2]),
        ("baseline", "non_saturating"),
        ("report.confidence", 0.9),
        ("evaluation.samples", 300),
        ("evaluation.collapse_recall", 0.2),
        ("datasets.digits.primary", {"metric": "KID-classifier", "reference": "held_out"}),
        ("runs.digits.minimax.steps", 80),
        ("objectives.minimax.generator", "softplus(-f)"),
    ],
)
def test_digest_changes_with_whatever_is_declared(path, value):
    study = declare()
    changed = change(study, path, value)
    assert digest_declaration(changed) != digest_declaration(study)
    (line,) = list_changes(study, changed)
    assert line.startswith(path)
    assert " before, " in line


def test_change_of_the_budget_is_named_once_and_not_for_every_run():
    longer = declare(training=tiny_study()["training"] | {"steps": 80})
    assert list_changes(declare(), longer) == ["training.steps: 40 before, 80 now"]


def test_key_of_a_later_version_at_its_default_is_no_change():
    former = declare()
    del former["evaluation"]["repeats"]
    assert digest_declaration(former) != digest_declaration(declare())
    assert list_changes(former, declare()) == []


def test_declarations_are_kept_in_order_and_never_overwritten(tmp_path):
    file, first, second = tmp_path / "results/declared.json", declare(), declare(seeds=3)
    keep_declaration(file, first)
    kept = file.read_bytes()
    keep_declaration(file, declare(title="Another title", log_interval=9))
    assert file.read_bytes() == kept
    for study in (second, first):
        keep_declaration(file, study)
    digests = [declaration["sha256"] for declaration in read_declarations(file)]
    assert digests == [digest_declaration(study) for study in (first, second, first)]


@pytest.mark.parametrize("content", ["", "[{]", "{}x", '[{"sha256": "1"}]', "[1]"])
def test_damaged_declarations_are_refused_and_stay(tmp_path, content):
    file = tmp_path / "declared.json"
    file.write_text(content)
    with pytest.raises(
        ActionableError, match=r"declared\.json: found no declarations of this study"
    ):
        keep_declaration(file, declare())
    assert file.read_text() == content


@pytest.fixture
def inputs(tmp_path):
    """The files of a report on a study, whose runs say that they were trained as it is."""
    study = make_study(("minimax", "wgan_gp"), ("digits",), seeds=2)
    files = make_results(tmp_path, study, metrics=("FD",))
    for file in files["runs"]:
        run = json.loads(file.read_text())
        file.write_text(json.dumps(run | {"declaration": digest_declaration(study)}))
    keep_declaration(tmp_path / "declared.json", study)
    return study, {**files, "declared": [tmp_path / "declared.json"]}


def test_report_on_one_declaration_names_its_digest_and_no_date(inputs):
    study, files = inputs
    description = describe_declaration(read_results(study, files))
    assert description["digest"] == digest_declaration(study)
    assert description["lines"] == description["changed"] == []


def test_report_says_that_runs_were_trained_under_another_declaration(inputs):
    study, files = inputs
    changed = change(study, "margin", "10 %")
    description = describe_declaration(read_results(changed, files))
    (line,) = description["lines"]
    assert description["changed"] == [line]
    assert f"declared differently, as {digest_declaration(study)[:16]}; 4 runs" in line
    assert "margin: nothing before, 10 % now" in line


def test_report_names_a_declaration_that_only_the_runs_know(inputs):
    study, files = inputs
    run = json.loads(files["runs"][0].read_text())
    files["runs"][0].write_text(json.dumps(run | {"declaration": "0" * 64}))
    description = describe_declaration(read_results(study, files))
    (line,) = description["lines"]
    assert description["changed"] == [line]
    assert line == f"1 run trained under the declaration {'0' * 16}, which is not kept here."


def test_report_on_results_without_declarations_says_so(inputs):
    study, files = inputs
    files["declared"][0].unlink()
    description = describe_declaration(read_results(study, files))
    assert description["lines"] == [
        "What was declared before training is not kept with these results."
    ]
    assert description["changed"] == []


def test_declaration_that_no_run_was_trained_under_is_told_and_changes_nothing(inputs):
    study, files = inputs
    earlier = change(study, "margin", "10 %")
    declared = files["declared"][0]
    declarations = [{"sha256": digest_declaration(earlier), "date": "2026-01-01", "study": earlier}]
    declared.write_text(json.dumps([*declarations, *json.loads(declared.read_text())]))
    description = describe_declaration(read_results(study, files))
    (line,) = description["lines"]
    assert "0 runs of this report trained under it" in line
    assert description["changed"] == []
