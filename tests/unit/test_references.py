"""Studies that name finished runs of others: what must agree, and what the variants are called."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from ganbench.commands.seed_table import describe_seed_plans
from ganbench.commands.study_check import describe_study
from ganbench.evaluation.snapshots import COLUMNS as SCORE_COLUMNS
from ganbench.jobs.archives import write_archive
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.records.job_records import JobRecord
from ganbench.references.provenance_check import MismatchedReferenceError, check_digests
from ganbench.study import reference_sources
from ganbench.study.declared import list_contrasts
from ganbench.study.reference_match import FREE, select_protocol
from ganbench.study.references import parse_reference, read_references
from ganbench.study.resolve import resolve
from ganbench.study.schema import StudyError, load_schema
from project import ROOT

PUBLISHED = sorted(file.parent for file in (ROOT / "results/published").glob("*/study.json"))


def read_yaml(file: Path) -> dict:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def write_study(name="mine", variants=("hinge",), **changes):
    training = {"steps": 100, "snapshots": 2, "batch_size": 16, "network": {"width": 8}}
    return {
        "study": name,
        "seeds": 3,
        "datasets": {"digits": {}},
        "variants": {variant: {} for variant in variants},
        "training": training | changes.pop("training", {}),
        "evaluation": {"samples": 200} | changes.pop("evaluation", {}),
        **changes,
    }


def write_results(folder: Path, *arguments, **changes) -> Path:
    """A folder with the two files without which a reference is none."""
    resolved = resolve(write_study(*arguments, **changes), "other.yaml")
    folder.mkdir()
    (folder / "study.json").write_text(json.dumps(resolved))
    (folder / "scores.csv").write_text("dataset,variant,seed,step,images,repeat,reference,metric\n")
    return folder


@pytest.fixture
def other(tmp_path):
    return write_results(tmp_path / "other", "other", ("minimax", "wgan_gp"))


def find_problem(**changes) -> str:
    with pytest.raises(StudyError) as error:
        resolve(write_study(**changes), "mine.yaml")
    return str(error.value)


def test_study_without_references_has_no_key_of_them():
    assert not {"reference", "references"} & resolve(write_study(), "mine.yaml").keys()


def test_every_own_variant_is_compared_with_every_variant_of_a_reference(other):
    study = resolve(
        write_study(variants=("hinge", "non_saturating"), reference=str(other)), "mine.yaml"
    )
    assert list_contrasts(study) == [
        ("non_saturating", "hinge"),
        ("hinge", "other/minimax"),
        ("hinge", "other/wgan_gp"),
        ("non_saturating", "other/minimax"),
        ("non_saturating", "other/wgan_gp"),
    ]
    assert set(study["runs"]["digits"]) == {"hinge", "non_saturating"}  # nothing else is trained


def test_reference_variant_can_be_the_baseline(other):
    study = resolve(write_study(reference=[str(other)], baseline="minimax"), "mine.yaml")
    assert list_contrasts(study) == [("hinge", "other/minimax")]


def test_contrasts_name_reference_variants_in_full_or_where_they_are_unique(other):
    contrasts = [["hinge", "wgan_gp"], ["other/minimax", "hinge"]]
    study = resolve(write_study(reference=[str(other)], contrasts=contrasts), "mine.yaml")
    assert list_contrasts(study) == [("hinge", "other/wgan_gp"), ("other/minimax", "hinge")]


def test_own_variant_keeps_its_name_beside_one_of_a_reference(other):
    study = resolve(write_study(variants=("minimax", "hinge"), reference=[str(other)]), "mine.yaml")
    assert study["baseline"] == "minimax"
    assert ("minimax", "other/minimax") in list_contrasts(study)


def test_name_that_two_references_have_is_refused(other, tmp_path):
    third = write_results(tmp_path / "third", "third", ("minimax",))
    problem = find_problem(reference=[str(other), str(third)], contrasts=[["hinge", "minimax"]])
    assert "contrasts.0: found 'minimax', which is other/minimax or third/minimax" in problem


def test_contrast_of_two_reference_variants_is_refused(other):
    problem = find_problem(reference=[str(other)], contrasts=[["minimax", "wgan_gp"]])
    assert "expected at least one variant of this study" in problem


def test_unknown_variant_is_refused_with_those_of_the_reference(other):
    problem = find_problem(reference=[str(other)], contrasts=[["hinge", "minmax"]])
    assert "found 'minmax', expected a variant of the study: hinge, other/minimax" in problem


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"evaluation": {"samples": 199}}, "evaluation.samples on digits: 199 here, 200 in"),
        ({"evaluation": {"extractor": "classifier"}}, 'evaluation.extractor on digits: "classi'),
        ({"evaluation": {"batch_norm": "batch"}}, 'evaluation.batch_norm on digits: "batch" here'),
        ({"evaluation": {"primary_metric": "KID"}}, "evaluation.primary.metric on digits: "),
        ({"datasets": {"digits": {"extractor_images": 500}}, "evaluation": {}}, "extractor"),
        ({"training": {"steps": 101}}, "training.steps on digits: 101 here, 100 in the refer"),
        ({"training": {"batch_size": 17}}, "training.batch_size on digits: 17 here, 16 in"),
        ({"training": {"discriminator_steps": 2}}, "training.discriminator_steps on digits: 2"),
        ({"training": {"network": {"width": 9}}}, "training.network.width on digits: 9 here"),
        ({"training": {"latent": {"size": 9}}}, "training.latent.size on digits: 9 here, 100"),
        ({"training": {"precision": "bf16"}}, 'training.precision on digits: "bf16" here, "tf32"'),
        ({"training": {"ema": 0.9}}, "training.ema on digits: 0.9 here, 0 in the reference"),
    ],
)
def test_difference_in_what_must_agree_is_named_with_both_values(other, changes, line):
    problem = find_problem(reference=[str(other)], **changes)
    if line != "extractor":
        assert line in problem
    else:  # the ruler does not measure other splits
        assert "digits-v1 was trained on a split of 599" in problem or line in problem


def test_all_differences_are_named_at_once(other):
    changes = {"training": {"steps": 90, "batch_size": 8}, "evaluation": {"samples": 150}}
    assert find_problem(reference=[str(other)], **changes).count(" in the reference") == 3


def test_optimizer_snapshots_and_what_a_variant_overrides_may_differ(other):
    training = {"optimizer": {"lr": 1e-3}, "snapshots": 4, "history_interval": 5, "threads": 2}
    variants = {"hinge": {"training": {"discriminator_steps": 3}}}
    study = write_study(reference=[str(other)], training=training) | {"variants": variants}
    assert resolve(study, "mine.yaml")["references"]["other"]["variants"] == {
        "digits": ["other/minimax", "other/wgan_gp"]
    }


def test_every_key_of_training_must_agree_or_is_listed_as_free():
    protocol = select_protocol(resolve(write_study(), "mine.yaml"), "digits")
    with_default = {
        key
        for key, part in load_schema()["$defs"]["training"]["properties"].items()
        if "default" in part and "x-where-used" not in part
    }
    assert set(FREE) < with_default
    assert protocol["training"].keys() == with_default - set(FREE)


def test_datasets_that_only_one_has_are_left_out(tmp_path, other):
    points = {"mixture_1d": {"training": {"network": {"name": "mlp"}}}}
    both = write_study(reference=[str(other)], datasets={"digits": {}, **points})
    study = resolve(both, "mine.yaml")
    assert list(study["references"]["other"]["variants"]) == ["digits"]
    problem = find_problem(reference=[str(other)], datasets=points, evaluation={"samples": None})
    assert (
        "has runs on digits, and this study on mixture_1d: there is nothing to compare" in problem
    )


def test_folder_and_archive_have_the_same_digest_which_the_declaration_holds(other, tmp_path):
    archive = tmp_path / "other.zip"
    write_archive(archive, {file.name: file for file in other.iterdir()})
    digests = {read_references(str(path), [])[0].sha256 for path in (other, archive)}
    assert len(digests) == 1
    study = resolve(write_study(reference=[str(archive)]), "mine.yaml")
    assert study["references"]["other"]["sha256"] in digests
    with (other / "scores.csv").open("a") as table:
        table.write("\n")
    assert read_references(str(other), [])[0].sha256 not in digests


def test_relative_reference_is_looked_for_beside_the_study(other):
    study = resolve(write_study(reference=[other.name]), "mine.yaml", [other.parent])
    assert study["references"]["other"]["source"] == other.name


def test_two_references_to_one_study_are_refused(other, tmp_path):
    archive = tmp_path / "copy.zip"
    write_archive(archive, {file.name: file for file in other.iterdir()})
    problem = find_problem(reference=[str(other), str(archive)])
    assert "are both of a study named other; remove one of them" in problem


def test_missing_place_and_folder_of_something_else_are_refused(tmp_path):
    assert "there is no folder or archive nowhere" in find_problem(reference=["nowhere"])
    problem = find_problem(reference=[str(tmp_path)])
    assert "there is no study.json and no scores.csv; expected the results of a finish" in problem


def test_address_needs_https_and_a_digest():
    for url, digest in (("http://example.org/a.zip", "0" * 64), ("https://example.org/a", "1")):
        assert "reference" in find_problem(reference={"url": url, "sha256": digest})


@pytest.mark.parametrize("name", ["../../elsewhere", "a/b", "", "<b>"])
def test_names_that_no_study_has_are_refused(name):
    study = resolve(write_study(), "other.yaml") | {"study": name}
    contents = {"study.json": json.dumps(study).encode(), "scores.csv": b""}
    with pytest.raises(StudyError, match="no study of this workflow"):
        parse_reference(contents, "somewhere")


@pytest.mark.parametrize("text", [b"[]", b"{", b'{"study": "a"}', b"\xff"])
def test_study_that_is_none_is_refused_without_a_traceback(text):
    with pytest.raises(StudyError, match=r"study\.json is no resolved study"):
        parse_reference({"study.json": text, "scores.csv": b""}, "somewhere")


def make_record(place, digest):
    outputs = {"data.npz": {"sha256": digest, "size": 1}}
    return JobRecord("prepare", f"results/{place}", {}, {}, outputs).to_text()


@pytest.fixture
def with_digests(other, tmp_path):
    """A reference with records, and the files of a study's own that agree with them."""
    card = {"name": "digits-v1", "dataset": "digits", "sha256": "c" * 64}
    for folder in (other, tmp_path / "own"):
        for name in ("datasets/digits", "extractors/digits/digits-v1"):
            (folder / name).mkdir(parents=True)
        (folder / "extractors/digits/digits-v1/card.json").write_text(json.dumps(card))
        record = folder / "datasets/digits/prepare.record.json"
        record.write_text(make_record("other/datasets/digits", "d" * 64))
    return other


def compare(other, own):
    check_digests(
        read_references(str(other), [])[0],
        ["digits"],
        [own / "datasets/digits/prepare.record.json"],
        [own / "extractors/digits/digits-v1/card.json"],
    )


def test_data_and_rulers_of_equal_digests_are_accepted(with_digests, tmp_path):
    compare(with_digests, tmp_path / "own")


def test_data_and_rulers_of_other_digests_are_refused_together(with_digests, tmp_path):
    own = tmp_path / "own"
    record = own / "datasets/digits/prepare.record.json"
    record.write_text(make_record("other/datasets/digits", "e" * 64))
    card = own / "extractors/digits/digits-v1/card.json"
    card.write_text(card.read_text().replace("c" * 64, "f" * 64))
    with pytest.raises(MismatchedReferenceError) as error:
        compare(with_digests, own)
    for digest in "cdef":
        assert digest * 64 in str(error.value)


def test_altered_record_of_a_reference_is_refused(with_digests, tmp_path):
    record = with_digests / "datasets/digits/prepare.record.json"
    record.write_text(record.read_text().replace('"size": 1', '"size": 2'))
    with pytest.raises(MismatchedReferenceError, match=r"prepare\.record\.json is damaged"):
        compare(with_digests, tmp_path / "own")


def test_reference_without_records_is_refused_for_its_missing_digests(other, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "prepare.record.json").write_text(make_record("x/datasets/digits", "d" * 64))
    reference = read_references(str(other), [])[0]
    with pytest.raises(MismatchedReferenceError) as error:
        check_digests(reference, ["digits"], [own / "prepare.record.json"], [])
    assert "there is no datasets/digits/prepare.record.json" in str(error.value)


@pytest.mark.parametrize("place", PUBLISHED, ids=lambda place: place.name)
def test_every_published_study_can_be_the_reference_of_another(place):
    """With its own study's keys, and with the records that the digests are compared with."""
    study = next(
        study
        for study in map(read_yaml, sorted((ROOT / "config").glob("*.yaml")))
        if study["study"] == place.name
    )
    kept = {key: study[key] for key in study if key not in ("contrasts", "baseline", "grid")}
    own = {"study": "mine", "variants": {"mine": {"objective": "hinge"}}, "reference": str(place)}
    resolved = resolve(kept | own, "mine.yaml")
    assert list(resolved["references"]) == [place.name]
    for dataset in study["datasets"]:
        assert (place / f"datasets/{dataset}/prepare.record.json").exists()


@pytest.mark.parametrize("is_archive", [False, True])
def test_file_of_a_reference_that_is_too_large_is_refused(other, tmp_path, monkeypatch, is_archive):
    monkeypatch.setattr(reference_sources, "MOST_BYTES", 100)
    source = other
    if is_archive:
        source = tmp_path / "other.zip"
        write_archive(source, {file.name: file for file in other.iterdir()})
    assert "bytes, expected at most 100" in find_problem(reference=str(source))


@pytest.mark.parametrize("change", [{"seeds": ["a"]}, {"runs": {}}, {"datasets": None}])
def test_study_without_its_runs_or_seeds_is_refused(change):
    study = resolve(write_study(), "other.yaml") | change
    contents = {"study.json": json.dumps(study).encode(), "scores.csv": b""}
    with pytest.raises(StudyError, match=r"study\.json is no resolved study"):
        parse_reference(contents, "somewhere")


def test_check_names_references_and_every_comparison_with_them(other, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(write_study(reference=[other.name])))
    said = describe_study(file, cores=1)
    assert "comparisons: hinge against other/minimax, hinge against other/wgan_gp" in said
    assert "references: other from other" in said


def test_seeds_are_not_planned_for_comparisons_with_references_alone(other, tmp_path):
    (tmp_path / "mine").mkdir()
    for name in ("study.json", "scores.csv"):
        shutil.copy(other / name, tmp_path / "mine")
    study = resolve(write_study(reference=[str(other)]), "mine.yaml")
    (tmp_path / "mine/study.json").write_text(json.dumps(study))
    (tmp_path / "mine/scores.csv").write_text(",".join(SCORE_COLUMNS) + "\n")
    with pytest.raises(ActionableError, match="all comparisons of this study are with references"):
        describe_seed_plans(tmp_path / "mine", None)
