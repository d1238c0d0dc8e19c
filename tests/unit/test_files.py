"""Files appear whole or not at all, and jobs refuse one that is not what was written."""

import subprocess
from pathlib import Path

import pytest
from ganbench.jobs import files
from ganbench.jobs.job import job
from records_example import write_record


@pytest.fixture
def table(tmp_path):
    """A result as the workflow writes it."""
    path = tmp_path / "results/s/scores.csv"
    files.write_text(path, "dataset,value\ndigits,1.5\n")
    write_record(path.with_name("evaluate.record.json"), ("scores.csv",))
    return path


def test_file_as_it_was_written_is_accepted(table):
    files.check([table])
    files.write_text(table, "dataset,value\n")
    with pytest.raises(files.DamagedFileError):
        files.check([table])
    write_record(table.with_name("evaluate.record.json"), ("scores.csv",))
    files.check([table])


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
def test_damaged_file_is_refused_with_the_command_to_run(table, damage):
    table.write_bytes(damage(table.read_bytes()))
    with pytest.raises(files.DamagedFileError) as error:
        files.check([table])
    assert str(error.value).endswith(f"run the same snakemake command again: rm {table}")


def test_file_of_another_study_is_refused(table):
    other = table.parents[1] / "other/scores.csv"
    files.write_text(other, "dataset,value\ndigits,2.5\n")
    write_record(other.with_name("evaluate.record.json"), ("scores.csv",))
    table.write_bytes(other.read_bytes())
    with pytest.raises(files.DamagedFileError):
        files.check([other, table])


def test_several_damaged_files_are_refused_in_one_message_with_one_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results/s"
    names = tuple(f"{number:02}.csv" for number in range(12))
    for name in names:
        files.write_text(folder / name, name)
    write_record(folder / "evaluate.record.json", names)
    for name in names[:3]:
        (folder / name).write_text("altered")
    with pytest.raises(files.DamagedFileError) as few:
        files.check(folder / name for name in names)
    assert str(few.value).startswith("3 files are not what this study wrote there:")
    assert str(few.value).endswith(
        f"again: rm {' '.join(str(folder / name) for name in names[:3])}"
    )
    (folder / "evaluate.record.json").write_text("{}")
    with pytest.raises(files.DamagedFileError) as many:
        files.check(folder / name for name in names)
    assert len(str(many.value).splitlines()) == 1 + files.MANY + 1 + 1
    assert "  … and 2 more\n" in str(many.value)


@pytest.mark.parametrize("damaged", [1, files.MANY, files.MANY + 2])
def test_command_after_damage_deletes_the_damaged_files_and_no_other(
    tmp_path, monkeypatch, damaged
):
    monkeypatch.chdir(tmp_path)
    folder = Path("results/a study/runs")
    names = [f"{seed:02}/scores.csv" for seed in range(damaged + 2)]
    for name in names:
        files.write_text(folder / name, name)
    problems = {folder / name: "its SHA-256 differs" for name in names[:damaged]}
    command = files.describe_damage(problems).rpartition("again: ")[2]
    subprocess.run(command, shell=True, check=True)
    left = [path.relative_to(folder).as_posix() for path in folder.rglob("*.csv")]
    assert sorted(left) == names[damaged:]


def test_damage_in_a_folder_without_room_for_a_list_is_told_without_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").touch()  # no folder can be made there
    paths = [Path(f"results/{number}.csv") for number in range(files.MANY + 1)]
    said = files.describe_damage(dict.fromkeys(paths, "its SHA-256 differs"))
    assert said.endswith(f"again: rm {' '.join(map(str, paths))}")


def test_file_outside_of_results_without_a_record_is_not_checked(tmp_path):
    (tmp_path / "mine.png").write_bytes(b"anything")
    files.check([tmp_path / "mine.png"])


def write_half(path):
    with files.whole(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("half way")


def test_failed_write_leaves_the_old_file_and_nothing_else(table):
    before = sorted(table.parent.iterdir())
    content = table.read_text()
    with pytest.raises(RuntimeError, match="half way"):
        write_half(table)
    assert sorted(table.parent.iterdir()) == before
    assert table.read_text() == content
    files.check([table])


def test_job_with_a_damaged_input_ends_before_its_work(table, tmp_path, capsys):
    table.write_text("something else")
    has_worked = False
    with pytest.raises(SystemExit) as ended, job(str(tmp_path / "log"), [str(table)]):
        has_worked = True
    assert (ended.value.code, has_worked) == (1, False)
    assert "run the same snakemake command again" in capsys.readouterr().err


def test_interrupted_job_says_so_in_its_log_and_shows_no_traceback(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended, job(str(tmp_path / "log")):
        raise KeyboardInterrupt
    assert ended.value.code == 130
    assert "interrupted by SIGINT" in (tmp_path / "log").read_text()
    assert "Traceback" not in capsys.readouterr().err
