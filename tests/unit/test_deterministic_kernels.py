"""What makes equal inputs give equal bits, and what it may leave out."""

import io

import pytest
import torch
from ganbench import randomness
from ganbench.jobs.progress import Progress
from ganbench.training.checkpoint import Checkpoints
from ganbench.training.loop import play, start_run
from ganbench.training.records import weights_sha256
from test_resume import PIXELS, SETTINGS, resolved


@pytest.fixture(autouse=True)
def as_before():
    """Leaves torch as it was."""
    threads, mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    yield
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode(mode)
    torch.utils.deterministic.fill_uninitialized_memory = filled


@pytest.mark.parametrize("name", SETTINGS)
def test_no_step_reads_memory_that_was_not_written(name, tmp_path):
    """Filled with NaN or left as it is, a run ends in the same bits."""
    parameters, ends = resolved(**SETTINGS[name]), []
    for filled in (True, False):
        randomness.use_deterministic_kernels(1)
        torch.utils.deterministic.fill_uninitialized_memory = filled
        run = start_run(parameters, "digits", 0, PIXELS)
        progress = Progress("", parameters["steps"], io.StringIO(), 1e9)
        play(run, parameters, progress, Checkpoints(tmp_path, None, io.StringIO()))
        players = (run.game.generator, run.game.discriminator)
        ends.append([weights_sha256(player.network) for player in players])
    assert ends[0] == ends[1]


def test_memory_is_not_filled_and_float32_is_not_shortened():
    randomness.use_deterministic_kernels(1)
    assert torch.get_deterministic_debug_mode() == 2
    assert not torch.utils.deterministic.fill_uninitialized_memory
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
