"""A job's record: it tells what the files beside it are of, and any change to it is noticed."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from ganbench.jobs import files
from ganbench.jobs.records.job_records import (
    DamagedRecordError,
    JobRecord,
    find_place,
    parse_record,
)
from ganbench.jobs.records.recording import list_deciding, recorded_job
from records_example import write_record

RECORD = JobRecord(
    rule="evaluate",
    place="results/s/runs/digits/hinge/seed0",
    parameters={"samples": 200, "code": "ä"},
    inputs={"results/s/datasets/digits/data.npz": "00"},
    outputs={"scores.csv": {"sha256": "11", "size": 3}},
)


def test_record_reads_as_it_was_written():
    assert parse_record(RECORD.to_text().encode()) == RECORD


def test_any_flipped_bit_of_a_record_is_noticed():
    text = RECORD.to_text().encode()
    for place in range(len(text) - 1):  # the last byte ends the line
        for bit in range(8):
            flipped = bytearray(text)
            flipped[place] ^= 1 << bit
            try:
                assert parse_record(bytes(flipped)) == RECORD, (place, bit)
            except DamagedRecordError:
                continue


@pytest.mark.parametrize("text", [b"", b"\xff", b"{}", b"[]", b'{"sha256": 1}'])
def test_other_content_is_no_record(text):
    with pytest.raises(DamagedRecordError):
        parse_record(text)


def test_place_begins_at_the_results_wherever_they_lie():
    assert find_place("results/s/scores.csv") == "results/s/scores.csv"
    assert find_place("/old/results/s/scores.csv") == "results/s/scores.csv"
    assert find_place("../checkout/envs/requirements.lock") == "requirements.lock"


def make_snakemake(folder: Path) -> SimpleNamespace:
    """A job that reads one result and writes a file and a folder."""
    output = [str(folder / name) for name in ("a.csv", "figures", "evaluate.record.json")]
    named = SimpleNamespace(record=output[-1])
    return SimpleNamespace(
        rule="evaluate",
        log=[str(folder / "log")],
        input=["results/s/data.npz", "results/s/prepare.record.json"],
        output=type("Output", (list,), vars(named))(output),
        params={"samples": 200, "checkpoints": "somewhere"},
        resources={},
    )


@pytest.fixture
def snakemake(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path("results/s/runs")
    folder.mkdir(parents=True)
    files.write_text(Path("results/s/data.npz"), "data")
    write_record(Path("results/s/prepare.record.json"), ("data.npz",))
    return make_snakemake(folder)


def work(folder: Path) -> None:
    files.write_text(folder / "a.csv", "a")
    (folder / "figures").mkdir()
    (folder / "figures/one.svg").write_text("svg")
    (folder / "figures/.snakemake_timestamp").touch()


def test_job_records_what_it_read_what_it_wrote_and_what_decided_it(snakemake):
    with recorded_job(snakemake) as job:
        work(job.file.parent)
    record = parse_record(Path(snakemake.output.record).read_bytes())
    assert (record.rule, record.place) == ("evaluate", "results/s/runs")
    assert record.parameters == {"samples": 200}
    assert list(record.inputs) == ["results/s/data.npz"]
    assert record.inputs["results/s/data.npz"] == files.provenance.sha256(b"data")
    assert list(record.outputs) == ["a.csv", "figures/one.svg"]
    files.check([Path("results/s/runs/a.csv")])


def fail_at_the_end(snakemake: SimpleNamespace) -> None:
    with recorded_job(snakemake) as job:
        work(job.file.parent)
        raise RuntimeError("at its end")


def test_job_that_fails_leaves_no_record(snakemake):
    with pytest.raises(SystemExit):
        fail_at_the_end(snakemake)
    assert not Path(snakemake.output.record).exists()


def test_record_has_the_digest_of_what_was_written_and_not_of_what_lies_there(snakemake):
    with recorded_job(snakemake) as job:
        work(job.file.parent)
        (job.file.parent / "a.csv").write_text("b")
    with pytest.raises(files.DamagedFileError, match=r"a\.csv is not what this study wrote"):
        files.check([Path("results/s/runs/a.csv")])


def test_parameters_are_recorded_as_json_has_them():
    assert list_deciding([("a", (1, 2)), ("benchmarks", []), ("c", 0.1)]) == {"a": [1, 2], "c": 0.1}
