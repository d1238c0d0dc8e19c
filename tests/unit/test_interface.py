"""What programs and notebooks use is the code of the workflow: the same runs, the same scores."""

import json

import ganbench
import numpy as np
import pytest
import torch
from ganbench.interface.prepared import prepare_dataset
from ganbench.interface.runs import RunFolderError
from ganbench.interface.scoring import SamplesError
from ganbench.jobs import provenance
from ganbench.study.schema import StudyError
from PIL import Image
from project import tiny_study

RUN = "results/tiny/runs/digits/minimax/seed0"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, cache):
    folder = tmp_path_factory.mktemp("trained") / "run"
    return ganbench.train("minimax", folder=folder, cache=cache, **tiny_study()["training"])


def read_run(folder):
    return json.loads((folder / "run.json").read_text())


def test_trained_run_is_the_one_of_the_study(trained, finished_study):
    ours, study = read_run(trained), read_run(finished_study / RUN)
    assert ours["status"] == "completed"
    assert ours["generator_sha256"] == study["generator_sha256"]
    assert ours["parameters"] == study["parameters"]


def test_finished_run_is_not_trained_again_and_another_is_refused(trained, cache):
    before = (trained / "run.json").stat().st_mtime_ns
    options = {"folder": trained, "cache": cache, **tiny_study()["training"]}
    ganbench.train("minimax", **options)
    assert (trained / "run.json").stat().st_mtime_ns == before
    with pytest.raises(RunFolderError, match="another"):
        ganbench.train("minimax", seed=1, **options)
    with pytest.raises(RunFolderError, match="another"):
        ganbench.train("minimax", **options | {"batch_size": 32})


def test_wrong_key_is_refused_by_its_name(tmp_path):
    with pytest.raises(StudyError, match="stepz"):
        ganbench.train("minimax", folder=tmp_path / "run", stepz=10)


def test_sampling_takes_three_lines_and_a_seed(finished_study):
    generator = ganbench.load_generator(finished_study / RUN, device="cpu")
    images = generator.sample(64, seed=1)
    assert (images.shape, images.dtype) == ((64, 1, 8, 8), np.uint8)
    assert images.std() > 0
    assert np.array_equal(images, generator.sample(64, seed=1))
    assert not np.array_equal(images, generator.sample(64, seed=2))


def test_snapshot_is_chosen_by_its_step(finished_study):
    last = ganbench.load_generator(finished_study / RUN)
    first = ganbench.load_generator(finished_study / RUN, step=20)
    assert (first.step, last.step) == (20, 40)
    assert not np.array_equal(first.sample(4), last.sample(4))
    with pytest.raises(RunFolderError, match="expected one of 20, 40"):
        ganbench.load_generator(finished_study / RUN, step=7)
    with pytest.raises(RunFolderError, match=r"snapshots\.pt"):
        ganbench.load_generator(finished_study)


def test_exported_generator_gives_the_same_samples_and_its_weights_are_checked(trained, tmp_path):
    folder = ganbench.export(trained, tmp_path / "kept")
    images = ganbench.load_generator(trained, device="cpu").sample(8, seed=3)
    assert np.array_equal(ganbench.load_exported(folder, device="cpu").sample(8, seed=3), images)
    card = json.loads((folder / "generator.json").read_text())
    weights = folder / "generator.safetensors"
    assert card["weights_sha256"] == provenance.sha256_file(weights)
    text = (folder / "README.md").read_text()
    assert "softplus(-r) + softplus(f)" in text
    assert "CC BY 4.0" in text
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(RunFolderError, match="SHA-256"):
        ganbench.load_exported(folder)


@pytest.fixture(scope="module")
def real_images(cache):
    from ganbench.jobs.arrays import map_array  # noqa: PLC0415

    return np.array(map_array(prepare_dataset("digits", cache).data, "held_out"))


def test_real_images_score_as_the_floor_says(real_images, cache):
    scores = ganbench.score(real_images[:300], cache=cache).set_index(["metric", "reference"])
    distance = scores.loc["FD-digits-v1", "train"]
    assert distance["value"] == pytest.approx(distance["real"])
    assert distance["value"] < 30
    noise = np.random.default_rng(0).integers(0, 256, real_images[:300].shape, dtype=np.uint8)
    noisy = ganbench.score(noise, cache=cache).set_index(["metric", "reference"])
    assert noisy.loc["FD-digits-v1", "train"]["value"] > 20 * distance["value"]


def test_folder_array_and_tensor_of_the_same_images_score_alike(real_images, cache, tmp_path):
    for number, image in enumerate(real_images[:60, 0]):
        Image.fromarray(image).save(tmp_path / f"{number:03}.png")
    scores = [
        ganbench.score(samples, cache=cache)["value"].to_list()
        for samples in (
            real_images[:60],
            real_images[:60, 0],
            torch.from_numpy(real_images[:60]),
            tmp_path,
        )
    ]
    assert scores[0] == scores[1] == scores[2] == scores[3]


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((60, 1, 8, 8), np.float32),
        np.zeros((60, 3, 8, 8), np.uint8),
        np.zeros((60, 28, 28), np.uint8),
        np.zeros((1, 8, 8), np.uint8),
        "no such folder",
    ],
)
def test_samples_that_do_not_fit_are_refused(samples, cache):
    with pytest.raises(SamplesError):
        ganbench.score(samples, cache=cache)


@pytest.fixture
def image_folder(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(60):
        Image.new("L", (8, 8), number).save(folder / f"{number:03}.png")
    return folder


def test_folder_with_files_that_cannot_be_read_is_refused(image_folder, cache):
    """Else the score would be of fewer images than the folder holds."""
    (image_folder / "060.heic").write_bytes(b"an image of a telephone")
    (image_folder / "061").write_bytes(b"an image without an ending")
    with pytest.raises(SamplesError, match=r"has 2 files \(060\.heic, 061\) that cannot be read"):
        ganbench.score(image_folder, cache=cache)


def test_files_beside_images_that_are_none_are_told(image_folder, cache, capsys):
    (image_folder / "notes.txt").write_text("text")
    (image_folder / ".hidden.png").touch()
    ganbench.score(image_folder, cache=cache)
    said = capsys.readouterr().err
    assert "Skipped 1 hidden file (.hidden.png)." in said
    assert "Skipped 1 non-image file (notes.txt)." in said


def test_folder_below_that_cannot_be_opened_is_refused(image_folder, cache, monkeypatch):
    def walk(folder, followlinks, onerror):
        onerror(PermissionError(13, "Permission denied", f"{folder}/more"))
        return iter(())

    monkeypatch.setattr("ganbench.datasets.folder_files.os.walk", walk)
    with pytest.raises(SamplesError, match=r"cannot read .*/more: Permission denied"):
        ganbench.score(image_folder, cache=cache)


def test_prepared_data_lie_in_the_folder_of_downloads(tmp_path, monkeypatch):
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "mine"))
    assert prepare_dataset("digits").data.is_relative_to(tmp_path / "mine")


def test_points_have_no_extractor(cache):
    with pytest.raises(SamplesError, match="points"):
        ganbench.score(np.zeros((60, 1, 8, 8), np.uint8), dataset="mixture_1d", cache=cache)


def test_library_says_what_it_offers():
    assert {"train", "score", "load_generator"} <= set(dir(ganbench))
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        ganbench.trian  # noqa: B018
