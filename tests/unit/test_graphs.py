"""Which steps are recorded and which are taken as written, on a stream that stands for a GPU's.

That a recording does on a GPU what the step does is tested there: tests/gpu.
"""

from copy import deepcopy

import pytest
import torch
from ganbench.study import resolve as study
from ganbench.training import graphs, loop
from ganbench.training.graphs import WARM, Graphs, RecordingError
from ganbench.training.run import set_up_game
from ganbench.training.step import adversarial_step
from project import tiny_study
from training_example import history, run

PIXELS = torch.randint(0, 256, (60, 1, 8, 8), generator=torch.Generator().manual_seed(0)).byte()


class Pretended:
    """Notes what it is asked for; a recording is the step itself."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def take(self, step: graphs.Step) -> graphs.Losses:
        self.asked.append("as written")
        return step()

    def record(self, step: graphs.Step) -> graphs.Step:
        self.asked.append("recording")

        def taken() -> graphs.Losses:
            self.asked.append("recorded")
            return step()

        return taken


def resolved(**training) -> dict:
    regularizers = training.pop("regularizers", {})
    given = tiny_study(
        variants={"v": {"objective": "non_saturating", "regularizers": regularizers}}
    )
    given["training"] = {**given["training"], **training}
    return deepcopy(study.resolve(given, "tiny")["runs"]["digits"]["v"])


def played(parameters: dict, steps: int, stream: Pretended | None = None):
    game = set_up_game(parameters, "digits", 0, PIXELS)
    take = Graphs(game, stream).step if stream else lambda step: adversarial_step(game, step)
    return game, [take(step) for step in range(1, steps + 1)]


def weights(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([each.detach().flatten() for each in network.parameters()])


def test_the_first_steps_are_taken_as_written_and_then_one_recording_again_and_again():
    stream = Pretended()
    played(resolved(), WARM + 4, stream)
    assert stream.asked == ["as written"] * WARM + ["recording"] + ["recorded"] * 4


def test_each_set_of_penalties_has_a_recording_of_its_own():
    """R1 at every third step, the penalty of the gradient at every second: four sets."""
    stream = Pretended()
    parameters = resolved(regularizers={"r1": {"every": 3}, "gradient_penalty": {"every": 2}})
    played(parameters, 60, stream)
    kinds = {"none", "r1", "gradient_penalty", "both"}
    assert stream.asked.count("recording") == len(kinds)
    assert stream.asked.count("as written") == WARM * len(kinds)


def test_penalties_of_all_updates_of_a_step_count():
    """Three updates a step, a penalty at every second update: odd steps differ from even ones."""
    stream = Pretended()
    played(resolved(discriminator_steps=3, regularizers={"r1": {"every": 2}}), 12, stream)
    assert stream.asked.count("recording") == 2


@pytest.mark.parametrize(
    "training",
    [{"regularizers": {"r1": {"every": 3}}, "discriminator_steps": 2}, {"ema": 0.9}],
    ids=["lazy penalty", "running mean"],
)
def test_the_game_is_the_same(training):
    parameters = resolved(**training)
    expected, losses = played(parameters, 15)
    found, other_losses = played(parameters, 15, Pretended())
    for player in ("generator", "discriminator"):
        mine, theirs = (weights(getattr(each, player).network) for each in (expected, found))
        assert torch.equal(mine, theirs)
    assert torch.equal(weights(expected.scored_generator), weights(found.scored_generator))
    assert [each.generator for each in losses] == [each.generator for each in other_losses]


def test_what_cannot_be_recorded_is_trained_without_and_the_log_says_so(tmp_path, monkeypatch):
    class Refusing(Pretended):
        def record(self, step: graphs.Step) -> graphs.Step:
            raise RecordingError("a step cannot be recorded as a CUDA graph: no memory")

    start, recorded = loop.start_run, []

    def start_on_a_gpu(parameters, *given):
        begun = start(parameters, *given)
        recorded.append(parameters["cuda_graphs"])
        begun.graphs = Graphs(begun.game, Refusing()) if parameters["cuda_graphs"] else None
        return begun

    monkeypatch.setattr(loop, "start_run", start_on_a_gpu)
    found, log = run(tmp_path / "refused", resolved(cuda_graphs=True), PIXELS)
    assert recorded == [True, False]
    assert "cannot be recorded as a CUDA graph: no memory\ncontinues without" in log
    assert found["status"] == "completed"
    monkeypatch.undo()
    plain, _ = run(tmp_path / "plain", resolved(cuda_graphs=False), PIXELS)
    assert found["generator_sha256"] == plain["generator_sha256"]
    assert history(tmp_path / "refused").equals(history(tmp_path / "plain"))


def test_without_a_gpu_the_option_changes_nothing(tmp_path):
    found, _ = run(tmp_path / "with", resolved(cuda_graphs=True, device="cpu"), PIXELS)
    plain, _ = run(tmp_path / "without", resolved(device="cpu"), PIXELS)
    assert found["generator_sha256"] == plain["generator_sha256"]
