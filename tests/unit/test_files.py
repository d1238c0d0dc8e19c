"""Files appear whole or not at all, and one that is not what was written is refused."""

import pytest
from ganbench.jobs import files
from ganbench.jobs.job import job


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "results/s/scores.csv"
    files.write_text(path, "dataset,value\ndigits,1.5\n")
    return path


def test_file_as_it_was_written_is_accepted(written):
    files.check([written])


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: b"",
        lambda content: content.replace(b"1.5", b"1.4"),
        lambda content: content[:5] + bytes([content[5] ^ 1]) + content[6:],
    ],
    ids=["truncated", "emptied", "altered", "one bit"],
)
def test_damaged_file_is_refused_with_the_command_that_makes_it_again(written, damage):
    written.write_bytes(damage(written.read_bytes()))
    with pytest.raises(files.DamagedFileError) as error:
        files.check([written])
    assert f"same snakemake command makes it again: rm {written}" in str(error.value)


def test_file_of_another_study_in_its_place_is_refused(written):
    other = written.parents[1] / "other/scores.csv"
    files.write_text(other, "dataset,value\ndigits,2.5\n")
    written.write_bytes(other.read_bytes())
    with pytest.raises(files.DamagedFileError):
        files.check([other, written])


def test_file_that_was_not_written_here_is_not_ours_to_judge(tmp_path):
    (tmp_path / "mine.png").write_bytes(b"anything")
    files.check([tmp_path / "mine.png"])


def test_written_again_is_accepted_again(written):
    files.write_text(written, "dataset,value\n")
    files.check([written])


def write_half(path):
    with files.whole(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("half way")


def test_failed_write_leaves_the_old_file_and_nothing_else(written):
    before = sorted(written.parent.iterdir())
    content = written.read_text()
    with pytest.raises(RuntimeError, match="half way"):
        write_half(written)
    assert sorted(written.parent.iterdir()) == before
    assert written.read_text() == content
    files.check([written])


def test_job_with_a_damaged_input_ends_before_its_work(written, tmp_path, capsys):
    written.write_text("something else")
    worked = False
    with pytest.raises(SystemExit) as left, job(str(tmp_path / "log"), [str(written)]):
        worked = True
    assert (left.value.code, worked) == (1, False)
    assert "the same snakemake command makes it again" in capsys.readouterr().err


def test_job_that_is_interrupted_says_so_in_its_log_and_shows_no_traceback(tmp_path, capsys):
    with pytest.raises(SystemExit) as left, job(str(tmp_path / "log")):
        raise KeyboardInterrupt
    assert left.value.code == 130
    assert "SIGINT: the job ended" in (tmp_path / "log").read_text()
    assert "Traceback" not in capsys.readouterr().err
