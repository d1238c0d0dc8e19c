"""Which steps are recorded and which are not, with a fake in place of the GPU's stream.

Whether a recorded step computes the same on a GPU is tested in tests/gpu.
"""

from contextlib import nullcontext

import pytest
import torch
from ganbench.training import graphs, loop
from ganbench.training.graphs import WARM_UP, Graphs, RecordingError
from ganbench.training.run import set_up_game
from ganbench.training.step import Game, Losses, adversarial_step
from training_example import PIXELS, RunFolder, read_weights, resolve_run


class FakeStream:
    """Notes its recordings and their replays; a recorded step is the step itself."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def use(self):
        return nullcontext()

    def record(self, step: graphs.Step) -> graphs.Step:
        self.calls.append("record")

        def replay() -> Losses:
            self.calls.append("replay")
            return step()

        return replay


def play(
    parameters: dict, steps: int, stream: FakeStream | None = None
) -> tuple[Game, list[Losses]]:
    """The game after `steps`, recorded where there is a stream, and the losses of each."""
    game, seen = set_up_game(parameters, "digits", 0, PIXELS), []
    if stream:
        take = Graphs(game, seen.append, stream).step
        losses = [take(step) for step in range(1, steps + 1)]
        assert seen == losses  # every step is watched, recorded or not
        return game, losses
    return game, [adversarial_step(game, step) for step in range(1, steps + 1)]


def test_first_steps_are_taken_and_later_ones_replay_one_recording():
    stream = FakeStream()
    play(resolve_run(), WARM_UP + 4, stream)
    assert stream.calls == ["record"] + ["replay"] * 4


def test_each_set_of_penalties_has_a_recording_of_its_own():
    """R1 every third step and the gradient penalty every second: four sets."""
    stream = FakeStream()
    regularizers = {"r1": {"every": 3}, "gradient_penalty": {"every": 2}}
    play(resolve_run(regularizers=regularizers), 24, stream)
    sets = ("none", "r1", "gradient_penalty", "both")
    assert stream.calls.count("record") == len(sets)
    assert stream.calls.count("replay") == 24 - WARM_UP * len(sets)


def test_no_more_steps_are_recorded_than_memory_is_meant_for(monkeypatch):
    monkeypatch.setattr(graphs, "RECORDINGS", 2)
    stream = FakeStream()
    regularizers = {"r1": {"every": 3}, "gradient_penalty": {"every": 2}}
    game, _ = play(resolve_run(regularizers=regularizers), 24, stream)
    assert stream.calls.count("record") == 2
    plain, _ = play(resolve_run(regularizers=regularizers), 24)
    weights = (read_weights(one.discriminator.network) for one in (game, plain))
    assert torch.equal(*weights)


def test_penalties_of_all_updates_of_a_step_count():
    """Three updates a step, a penalty at every second update: odd steps differ from even ones."""
    stream = FakeStream()
    play(resolve_run(discriminator_steps=3, regularizers={"r1": {"every": 2}}), 12, stream)
    assert stream.calls.count("record") == 2


@pytest.mark.parametrize(
    "training",
    [
        {"regularizers": {"r1": {"every": 3}}, "discriminator_steps": 2},
        {"ema": 0.9},
        {"regularizers": {"r1": {"every": 3}}, "updates": "extragradient", "ema": 0.9},
        {"updates": "optimistic"},
    ],
    ids=["lazy penalty", "running mean", "extragradient", "optimistic"],
)
def test_recorded_steps_play_the_same_game(training):
    parameters = resolve_run(**training)
    plain, plain_losses = play(parameters, 15)
    recorded, recorded_losses = play(parameters, 15, FakeStream())
    for one, other in zip(plain.players, recorded.players, strict=True):
        assert torch.equal(read_weights(one.network), read_weights(other.network))
    scored = [read_weights(game.scored_generator) for game in (plain, recorded)]
    assert torch.equal(*scored)
    assert [step.generator for step in plain_losses] == [step.generator for step in recorded_losses]


def test_run_that_cannot_be_recorded_trains_without_and_the_log_says_so(tmp_path, monkeypatch):
    class RefusingStream(FakeStream):
        def record(self, step: graphs.Step) -> graphs.Step:
            raise RecordingError("a step cannot be recorded as a CUDA graph: no memory")

    start_run, starts = loop.start_run, []

    def start_with_graphs(parameters, *arguments):
        run = start_run(parameters, *arguments)
        starts.append(parameters["cuda_graphs"])
        run.graphs = (
            Graphs(run.game, run.non_finite.watch, RefusingStream())
            if parameters["cuda_graphs"]
            else None
        )
        return run

    refused = RunFolder(tmp_path / "refused", resolve_run(cuda_graphs=True))
    with monkeypatch.context() as patch:
        patch.setattr(loop, "start_run", start_with_graphs)
        refused.train()
    assert starts == [True, False]
    log = refused.log.getvalue()
    assert "cannot be recorded as a CUDA graph: no memory\ncontinues without" in log
    plain = RunFolder(tmp_path / "plain", resolve_run(cuda_graphs=False))
    plain.train()
    assert refused.run()["generator_sha256"] == plain.run()["generator_sha256"]
    assert refused.history().equals(plain.history())


def test_without_a_gpu_the_option_changes_nothing(tmp_path):
    digests = set()
    for cuda_graphs in (True, False):
        parameters = resolve_run(cuda_graphs=cuda_graphs, device="cpu")
        folder = RunFolder(tmp_path / str(cuda_graphs), parameters)
        folder.train()
        digests.add(folder.run()["generator_sha256"])
    assert len(digests) == 1
