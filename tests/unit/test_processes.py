"""Tasks in several processes: the results in their order, whatever happens to a process."""

import os
import signal
import sys
from functools import partial

import pytest
from ganbench.report.figures.processes import compute_all

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="one process on other systems")

HERE = os.getpid()


def name_process(number: int) -> tuple[int, int]:
    return number, os.getpid()


@pytest.mark.parametrize(("tasks", "processes"), [(7, 3), (2, 5), (1, 2), (0, 2), (3, 1)])
def test_results_come_in_the_order_of_the_tasks_from_as_many_processes(tasks, processes):
    results = compute_all([partial(name_process, number) for number in range(tasks)], processes)
    assert [number for number, _ in results] == list(range(tasks))
    assert len({process for _, process in results}) == min(tasks, processes)


def test_what_a_killed_process_had_to_do_is_done_here():
    def end_elsewhere(number: int) -> int:
        if os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    assert compute_all([partial(end_elsewhere, number) for number in range(5)], 3) == [
        0,
        1,
        2,
        3,
        4,
    ]


def test_error_of_another_process_is_raised_here(capfd):
    def fail() -> None:
        raise ValueError("this one")

    with pytest.raises(ValueError, match="this one"):
        compute_all([lambda: 1, fail], 2)
