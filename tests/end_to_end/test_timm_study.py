"""A study whose extractor is a network of timm, with weights of its own."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import timm
import torch
from PIL import Image
from project import copy_checkout, planned, snakemake, tiny_study

NAME = "timm:test_resnet.r160_in1k"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The study, and the checkout in which it ran."""
    checkout = copy_checkout(tmp_path_factory.mktemp("timm") / "checkout")
    (checkout / "photos").mkdir()
    for number, pixels in enumerate(np.random.default_rng(0).integers(256, size=(150, 8, 8, 3))):
        Image.fromarray(pixels.astype(np.uint8)).save(checkout / f"photos/{number:03}.png")
    dataset = {"kind": "image_folder", "source": "photos", "resolution": 8, "labels": "none"}
    study = tiny_study(
        seeds=1,
        datasets={"photos": dataset | {"extractor_images": 0}},
        variants={"minimax": {}},
        training={"steps": 4, "batch_size": 8, "snapshots": 1, "network": {"name": "mlp"}},
        evaluation={"extractor": NAME, **write_weights(checkout, seed=0)},
    )
    done = snakemake(checkout, "--cores", "2", study=study)
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout, study


def write_weights(checkout, seed):
    """Random weights in the checkout, as a study names them."""
    torch.manual_seed(seed)
    state = timm.create_model(NAME.removeprefix("timm:"), pretrained=False).state_dict()
    file = checkout / f"weights{seed}.safetensors"
    safetensors.torch.save_file({key: state[key].contiguous() for key in state}, file)
    return {"weights": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}


def test_scores_are_named_after_the_network_and_the_page_has_its_digest(study):
    checkout, given = study
    results = checkout / "results/tiny"
    scores = pd.read_csv(results / "scores.csv")
    assert {f"FD-{NAME}", f"MMD2-{NAME}", f"recall-{NAME}"} <= set(scores["metric"])
    card = json.loads((results / f"extractors/photos/{NAME}/card.json").read_text())
    assert card["sha256"] == given["evaluation"]["sha256"]
    assert card["parameters"]["timm"] == timm.__version__
    assert card["sha256"][:16] in (results / "report.html").read_text()


def test_other_weights_score_again_and_train_nothing(study):
    checkout, given = study
    other = given | {"evaluation": {"extractor": NAME, **write_weights(checkout, seed=1)}}
    assert {"extractor", "evaluate", "report"} <= {
        job.split("/")[0] for job in planned(checkout, study=other)
    }
    assert not [job for job in planned(checkout, study=other) if job.startswith("train")]
    moved = dict(given["evaluation"], weights="moved.safetensors")
    (checkout / "weights0.safetensors").rename(checkout / "moved.safetensors")
    # the page has the study as it was written
    assert set(planned(checkout, study=given | {"evaluation": moved})) == {"report"}
