"""A run that is out of memory is tried once more, then ends with an explanation."""

import pytest
import torch
from ganbench.training import run
from ganbench.training.memory import MemoryExhausted
from training_example import RunFolder, resolve_run

OUT_OF_MEMORY = {
    "gpu": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "cpu": RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 TB"),
}


@pytest.fixture
def fail_at_step_25(monkeypatch):
    """Has the run raise an error at step 25, a number of times."""

    def patch(error: Exception, times: int) -> None:
        original, failures = run.adversarial_step, iter(range(times))

        def take(game, step):
            if step == 25 and next(failures, None) is not None:
                raise error
            return original(game, step)

        monkeypatch.setattr(run, "adversarial_step", take)

    return patch


@pytest.mark.promise("memory-retried")
@pytest.mark.parametrize("device", OUT_OF_MEMORY)
def test_run_out_of_memory_once_is_tried_again_to_the_same_bits(tmp_path, fail_at_step_25, device):
    straight, folder = (RunFolder(tmp_path / name, resolve_run()) for name in ("straight", "run"))
    straight.train()
    fail_at_step_25(OUT_OF_MEMORY[device], times=1)
    folder.train(interval=10)
    assert folder.results() == straight.results()
    assert "trying once more" in folder.log.getvalue()
    assert "resumed after step 20" in folder.log.getvalue()


@pytest.mark.promise("memory-retried")
def test_run_out_of_memory_twice_is_an_error_and_not_a_divergence(tmp_path, fail_at_step_25):
    folder = RunFolder(tmp_path, resolve_run())
    fail_at_step_25(OUT_OF_MEMORY["gpu"], times=2)
    with pytest.raises(MemoryExhausted, match=r"training\.batch_size 16: CUDA out of memory"):
        folder.train()
    assert not (folder.path / "run.json").exists()


def test_other_errors_are_raised_at_once(tmp_path, fail_at_step_25):
    folder = RunFolder(tmp_path, resolve_run())
    fail_at_step_25(RuntimeError("something else"), times=1)
    with pytest.raises(RuntimeError, match="something else"):
        folder.train()
