"""Rulers: shipped classifiers, the same on every machine, for the split they were trained on."""

import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from dataset_example import DEBIAN, prepare_in
from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.catalogue.published import find_published
from ganbench.evaluation import classifier_training, rulers
from ganbench.evaluation.classifier import choose_recipe
from ganbench.evaluation.extractor import extract, load_extractor
from ganbench.evaluation.reference import ReferenceFiles, make_reference
from ganbench.evaluation.rulers import FOLDER, RulerError, load_ruler, to_ruler_arrays
from ganbench.jobs import files
from ganbench.jobs.files import DamagedFileError
from ganbench.report.origins import check_origins
from ganbench.study.resolve import resolve
from ganbench.study.schema import StudyError
from project import ROOT, tiny_study
from records_example import write_record

RULERS = [name for name, extractor in EXTRACTORS.items() if extractor.is_ruler]


def read_log(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.log.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> dict[str, Path]:
    """The folder of each ruler's dataset, prepared as a study would."""
    folders = {}
    for kind in ("digits", "fashion_mnist"):
        folders[kind] = tmp_path_factory.mktemp(kind)
        prepare_in(folders[kind], kind, source=str(DEBIAN) if kind != "digits" else "")
    return folders


def make(folder: Path, data_file: Path, dataset: str, extractor: str = "digits-v1"):
    """The files of an extractor on a dataset of a study."""
    folder.mkdir()
    outputs = ReferenceFiles(*(folder / name for name in ("n.pt", "f.npz", "c.json", "floor.csv")))
    make_reference(
        dataset=dataset,
        extractor=extractor,
        samples=100,
        data_file=data_file,
        device="cpu",
        outputs=outputs,
    )
    return outputs


@pytest.mark.parametrize("name", RULERS)
def test_ruler_is_small_and_of_the_digest_that_catalogue_and_log_state(name):
    content = (FOLDER / f"{name}.npz").read_bytes()
    assert len(content) < 1_000_000
    digest = hashlib.sha256(content).hexdigest()
    assert digest == EXTRACTORS[name].sha256 == read_log(name)["sha256"]


@pytest.mark.parametrize("name", RULERS)
def test_ruler_was_trained_on_the_split_that_prepare_makes(name, prepared):
    kind = name.removesuffix("-v1")
    with np.load(prepared[kind] / "data.npz") as data:
        images, labels = map(torch.from_numpy, (data["extractor"], data["extractor_labels"]))
        held_out = torch.from_numpy(data["held_out"])
        classes = torch.from_numpy(data["held_out_labels"])
    digest = rulers.hash_split(images, labels)
    assert digest == EXTRACTORS[name].kinds[kind] == read_log(name)["split_sha256"]
    assert len(images) == EXTRACTORS[name].images
    right = extract(load_ruler(name), held_out).logits.argmax(1) == classes
    assert float(right.double().mean()) == pytest.approx(read_log(name)["accuracy"], abs=0.002)


def test_what_the_program_writes_of_a_loaded_ruler_is_its_file(tmp_path):
    files.write_arrays(tmp_path / "again.npz", **to_ruler_arrays(load_ruler("digits-v1")))
    assert (tmp_path / "again.npz").read_bytes() == (FOLDER / "digits-v1.npz").read_bytes()


def test_ruler_with_one_changed_byte_is_refused_unread(tmp_path, monkeypatch):
    content = bytearray((FOLDER / "digits-v1.npz").read_bytes())
    content[-500] ^= 1
    (tmp_path / "digits-v1.npz").write_bytes(content)
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("was read"))
    with pytest.raises(RulerError, match=r"SHA-256 is .* expected 410516e8.*restore the file"):
        load_ruler("digits-v1", tmp_path)


def test_ruler_that_is_a_pickle_is_not_unpickled(tmp_path, monkeypatch):
    """Whoever can change the catalogue's digest too still gets no code run."""
    file = tmp_path / "digits-v1.npz"
    np.savez(file, shape=np.array([Path("code")], dtype=object), classes=np.array(10))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setitem(EXTRACTORS, "digits-v1", replace(EXTRACTORS["digits-v1"], sha256=digest))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_ruler("digits-v1", tmp_path)


def test_missing_ruler_is_named_with_the_way_to_restore_it(tmp_path):
    with pytest.raises(RulerError, match=r"no such file.*ruler digits-v1.*git checkout"):
        load_ruler("digits-v1", tmp_path)


def test_ruler_measures_the_same_whatever_the_study_calls_its_data(tmp_path, prepared, monkeypatch):
    """The classifier does not: its initial weights follow from the dataset's name."""
    short = choose_recipe(8, 599) | {"steps": 60}
    monkeypatch.setattr(classifier_training, "choose_recipe", lambda *_: short)
    data_file = prepared["digits"] / "data.npz"

    def scores(dataset: str, extractor: str) -> list[str]:
        floor = make(tmp_path / f"{dataset}-{extractor}", data_file, dataset, extractor).floor
        return [line.split(",", 1)[1] for line in floor.read_text().splitlines()]

    assert scores("digits", "digits-v1") == scores("mine", "digits-v1")
    assert scores("digits", "classifier") != scores("mine", "classifier")


def test_scoring_loads_the_ruler_that_the_reference_was_made_with(tmp_path, prepared):
    outputs = make(tmp_path / "a", prepared["digits"] / "data.npz", "digits")
    network, card = load_extractor(outputs.network), json.loads(outputs.card.read_text())
    assert network.name == card["name"] == "digits-v1"
    assert card["sha256"] == EXTRACTORS["digits-v1"].sha256
    assert card["accuracy"] == round(read_log("digits-v1")["accuracy"], 4)
    weights = load_ruler("digits-v1").state_dict()
    assert all(torch.equal(weights[key], value) for key, value in network.state_dict().items())


@pytest.mark.parametrize("change", ["image", "label", "order"])
def test_ruler_is_refused_where_the_extractor_split_is_another(tmp_path, prepared, change):
    """An image that it has learnt might be among those that are measured."""
    shutil.copy(prepared["digits"] / "data.npz", tmp_path / "data.npz")
    with np.load(tmp_path / "data.npz") as stored:
        data = dict(stored)
    if change == "image":
        data["extractor"][5, 0, 0, 0] ^= 1
    elif change == "label":
        data["extractor_labels"][5] += 1
    else:
        data["extractor"] = data["extractor"][::-1]
    np.savez(tmp_path / "data.npz", **data)
    with pytest.raises(RulerError, match=r"digits-v1 was trained on .*that of mine has"):
        make(tmp_path / "out", tmp_path / "data.npz", "mine")


@pytest.mark.parametrize(
    ("dataset", "metric"),
    [
        ({"digits": {}}, "FD-digits-v1"),
        ({"fashion_mnist": {}}, "FD-fashion_mnist-v1"),
        ({"mine": {"kind": "digits"}}, "FD-digits-v1"),
        ({"digits": {"extractor_images": 599}}, "FD-digits-v1"),
        ({"digits": {"extractor_images": 300}}, "FD-classifier"),
        ({"fashion_mnist": {"extractor_images": 20_000}}, "FD-classifier"),
        ({"cifar10": {}}, "FD-classifier"),
    ],
)
def test_dataset_is_measured_by_its_ruler_where_its_split_is_the_rulers(dataset, metric):
    study = resolve(tiny_study(datasets=dataset, evaluation={}), "study")
    assert study["datasets"][next(iter(dataset))]["primary"]["metric"] == metric


def test_resolved_study_resolves_to_itself_with_auto():
    study = tiny_study(datasets={"digits": {}, "fashion_mnist": {}}, evaluation={})
    assert resolve(study, "study")["evaluation"]["extractor"] == "auto"


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"fashion_mnist": {}}, r"found 'digits-v1', which measures digits.*not .*fashion_mnist"),
        ({"digits": {"extractor_images": 300}}, r"found 300, but digits-v1 .*a split of 599"),
        ({"digits": {"extractor_images": 0}}, r"found 0, but digits-v1 .*a split of 599"),
    ],
)
def test_ruler_by_name_is_refused_for_data_it_cannot_measure(dataset, message):
    study = tiny_study(datasets=dataset, evaluation={"extractor": "digits-v1"})
    with pytest.raises(StudyError, match=message):
        resolve(study, "study")


def test_published_scores_are_compared_with_the_extractor_that_a_dataset_gets():
    """And not with the word `auto`, which names none."""
    variants = {"minimax": {}}
    study = resolve(
        tiny_study(datasets={"fashion_mnist": {}}, variants=variants, evaluation={}), "study"
    )
    mismatches = [text for entry in find_published(study) for text in entry["mismatches"]]
    assert "extractor: inception-v3-compat in the publication, fashion_mnist-v1 here" in mismatches


def test_results_of_another_extractor_than_the_datasets_own_are_refused(tmp_path):
    study = resolve(tiny_study(evaluation={}), "study")
    file = tmp_path / "results/tiny/runs/digits/minimax/seed0/evaluate.record.json"
    write_record(file, (), parameters={"extractor": "digits-v1"})
    check_origins(study, [file])
    write_record(file, (), parameters={"extractor": "classifier"})
    with pytest.raises(
        DamagedFileError, match=r"extractor: classifier, and the study has .*: digits-v1"
    ):
        check_origins(study, [file])


def test_only_the_catalogue_and_the_checks_read_which_extractor_a_study_asks_for():
    """Others would take `auto` for the name of a network: they call `choose_extractor`."""
    library = ROOT / "workflow/scripts/ganbench"
    files_that_read = {
        file.name
        for file in library.rglob("*.py")
        if re.search(r"""evaluation["'\]]*\[["']extractor""", file.read_text(encoding="utf-8"))
    }
    assert files_that_read == {"extractors.py", "checks.py"}
    rules = (ROOT / "workflow/rules").glob("*.smk")
    assert not [file for file in rules if '["extractor"]' in file.read_text(encoding="utf-8")]
