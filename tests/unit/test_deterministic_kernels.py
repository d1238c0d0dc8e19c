"""Equal inputs give equal bits: the settings of torch that this needs, and those it does not."""

import io
from collections.abc import Iterator

import pytest
import torch
from ganbench import randomness
from ganbench.duality_gap import AdversaryBudget
from ganbench.jobs.progress import Progress
from ganbench.training import stopping
from ganbench.training.checkpoint import Checkpoints
from ganbench.training.device_settings import allow_tf32
from ganbench.training.loop import play, start_run
from ganbench.training.records import weights_sha256
from training_example import SETTINGS, resolve_setting


@pytest.fixture(autouse=True)
def restore_torch() -> Iterator[None]:
    threads, mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    fill = torch.utils.deterministic.fill_uninitialized_memory
    yield
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode(mode)
    torch.utils.deterministic.fill_uninitialized_memory = fill


@pytest.mark.parametrize("name", SETTINGS)
def test_no_step_reads_memory_that_was_not_written(name, tmp_path, monkeypatch):
    """A run ends in the same bits whether or not uninitialised memory is filled with NaN."""
    monkeypatch.setattr(
        stopping, "STOPPING_BUDGET", AdversaryBudget(steps=3, batch_size=8, samples=20)
    )
    parameters, images = resolve_setting(name, steps=12)
    digests = []
    for fill in (True, False):
        randomness.use_deterministic_kernels(1)
        torch.utils.deterministic.fill_uninitialized_memory = fill
        run = start_run(parameters, "digits", 0, images)
        progress = Progress("", parameters["steps"], io.StringIO(), 1e9)
        play(run, parameters, progress, Checkpoints(tmp_path, None, io.StringIO()))
        digests.append([weights_sha256(player.network) for player in run.game.players])
    assert digests[0] == digests[1]


def test_memory_is_not_filled_and_float32_is_not_shortened():
    allow_tf32(True)  # as a run before it in one process
    randomness.use_deterministic_kernels(1)
    assert torch.get_deterministic_debug_mode() == 2
    assert not torch.utils.deterministic.fill_uninitialized_memory
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
