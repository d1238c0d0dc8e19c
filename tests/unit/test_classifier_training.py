"""The classifier is trained as by torch's own Adam, and on a GPU by the same steps.

The GPU is a stand-in here; tests/gpu trains on one.
"""

import io
from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F
from ganbench import randomness
from ganbench.evaluation import classifier, classifier_training, cuda_graph
from ganbench.evaluation.classifier import Classifier
from ganbench.evaluation.classifier_training import train_classifier
from ganbench.evaluation.cuda_graph import WARM_UP, repeat_recorded

STEPS = 12


@pytest.fixture(autouse=True)
def recipe(monkeypatch) -> dict:
    """A short training whose rate decays after four steps."""
    short = classifier.CLASSIFIER | {"steps": STEPS, "batch_size": 8, "constant_steps": 4}
    monkeypatch.setattr(classifier_training, "choose_recipe", lambda *_: short)
    return short


def draw_images() -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (60, 1, 8, 8), generator=random).to(torch.uint8)
    return images, torch.randint(0, 3, (60,), generator=random)


def train_with_torch_optim(recipe: dict) -> Classifier:
    """The same training, with the class of torch and a batch drawn at each step."""
    images, labels = draw_images()
    with randomness.global_stream("d", 0, "initial extractor"):
        network = Classifier((1, 8, 8), 3)
    order = randomness.generator("d", 0, "extractor data order")
    optimizer = torch.optim.Adam(
        network.parameters(), lr=recipe["lr"], weight_decay=recipe["weight_decay"]
    )
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = recipe["lr"] * min(1.0, (STEPS - step) / (STEPS - 4))
        batch = torch.randint(len(images), (recipe["batch_size"],), generator=order)
        optimizer.zero_grad()
        F.cross_entropy(network(images[batch])[1], labels[batch]).backward()
        optimizer.step()
    return network


def assert_same_weights(network: Classifier, expected: Classifier, tolerance: float) -> None:
    values, expected_values = network.state_dict(), expected.state_dict()
    assert values.keys() == expected_values.keys()
    for name, value in values.items():
        torch.testing.assert_close(value, expected_values[name], rtol=tolerance, atol=tolerance)


def test_training_has_the_bits_of_torch_optim(recipe):
    assert_same_weights(train_classifier(*draw_images(), "d"), train_with_torch_optim(recipe), 0)


def test_steps_that_a_gpu_counts_are_those_of_a_cpu(monkeypatch):
    """Rates in float32 are the only difference."""

    def repeat(work, times, log):
        for _ in range(times):
            work()

    monkeypatch.setattr(classifier_training, "repeat_recorded", repeat)
    training, batches, rates = classifier_training._set_up(*draw_images(), "d")
    classifier_training._take_steps_on_gpu(training, batches, rates, None)
    assert_same_weights(training.network, train_classifier(*draw_images(), "d"), 1e-5)


class Gpu:
    """Stands in for torch.cuda: a graph does again what was recorded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, refuses: bool = False) -> None:
        self.done, self.recording, self.replays, self.refuses = [], False, 0, refuses
        stream = type("Stream", (), {"wait_stream": lambda *_: None})
        for name, stand_in in {
            "Stream": stream,
            "current_stream": stream,
            "stream": nullcontext,
            "synchronize": lambda: self.done.append("waited"),
            "CUDAGraph": lambda: self,
            "graph": self.record,
        }.items():
            monkeypatch.setattr(cuda_graph.torch.cuda, name, stand_in)

    def work(self) -> None:
        if self.recording and self.refuses:
            raise RuntimeError("operation not permitted when stream is capturing")
        self.done.append("recorded" if self.recording else "done")

    def replay(self) -> None:
        self.done.append("replayed")

    def record(self, graph, stream, capture_error_mode):
        gpu = self

        class Recording:
            def __enter__(self) -> None:
                gpu.recording = True

            def __exit__(self, *_: object) -> None:
                gpu.recording = False

        return Recording()


@pytest.mark.parametrize("times", [0, 1, WARM_UP, WARM_UP + 1, 10])
def test_work_is_done_as_often_as_asked(times, monkeypatch):
    gpu = Gpu(monkeypatch)
    repeat_recorded(gpu.work, times)
    assert gpu.done.count("done") == min(times, WARM_UP)
    assert gpu.done.count("done") + gpu.done.count("replayed") == times
    assert gpu.done.count("recorded") == (times > WARM_UP)
    assert gpu.done[-1] == "waited"


def test_work_that_cannot_be_recorded_is_done_all_the_same(monkeypatch):
    gpu, log = Gpu(monkeypatch, refuses=True), io.StringIO()
    repeat_recorded(gpu.work, 10, log)
    assert gpu.done == ["done"] * 10 + ["waited"]
    assert "without a CUDA graph, which cannot be recorded: operation not" in log.getvalue()
