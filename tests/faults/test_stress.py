"""Longer variants of the faults, for `make stress`. The full and the read-only disk need root."""

import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
import yaml
from faulty import as_others, contents, copied, flip_bit
from ganbench.jobs import files
from ganbench.jobs.records.job_records import RecordShelf
from project import copy_checkout, snakemake, tiny_study

pytestmark = pytest.mark.stress

STUDY = Path("results/tiny")
FACTS = ("scores.csv", "summary.csv", "comparisons.csv", "pairs.csv", "rates.csv")


def same_results(found: Path, first: Path) -> None:
    """Tables, weights and scores are equal, byte by byte; durations need not be."""
    for name in (*FACTS, *of_runs(first)):
        assert (found / name).read_bytes() == (first / name).read_bytes(), name


def of_runs(results: Path, pattern: str = "*/*/*") -> list[Path]:
    """Every file of the runs that holds no duration."""
    files_of = [path.relative_to(results) for path in results.glob(f"runs/{pattern}/*")]
    timed = ("run.json", "history.csv", "train.record.json")
    found = [path for path in files_of if path.name not in timed]
    assert len(found) >= 4
    return found


@contextmanager
def mounted(*arguments: str, at: Path) -> Iterator[Path]:
    """A mount that only root can make; whoever is not root is told so by a failed test."""
    at.mkdir(parents=True, exist_ok=True)
    command = ["mount", *arguments, str(at)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"this test mounts a disk, which needs root: {done.stderr}"
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def told(done: subprocess.CompletedProcess) -> str:
    """What a failed start said: a reason, and never a traceback without one."""
    said = done.stdout + done.stderr
    assert done.returncode != 0
    reasons = ("No space left on device", "Read-only file system", "Write-protected output files")
    assert any(reason in said for reason in reasons), said
    return said


@pytest.mark.promise("full-disk-recovers")
def test_disk_that_fills_up_repeatedly_ends_in_the_same_results(finished_study, tmp_path):
    """A disk of 100 kB that grows by half after each failure, until the study is done."""
    checkout, sizes = copy_checkout(tmp_path / "checkout"), (int(100 * 1.5**n) for n in count())
    failures, named = 0, set()
    with mounted("-t", "tmpfs", "-o", "size=100k", "tmpfs", at=tmp_path / "disk") as disk:
        while True:
            size = next(sizes)
            subprocess.run(["mount", "-o", f"remount,size={size}k", str(disk)], check=True)
            command = ("--cores", "2", "--directory", str(disk))
            done = snakemake(checkout, *command, study=tiny_study())
            if done.returncode == 0:
                break
            said, failures = told(done), failures + 1
            named |= set(re.findall(r"(\S+) could not be written", said))
        same_results(disk / STUDY, finished_study / STUDY)
    print(f"{failures} failures before {size} kB were enough; files that were named:", *named)
    assert failures >= 3
    assert named


@pytest.mark.parametrize("folder", ["runs", "."])
@pytest.mark.promise("becomes-read-only")
def test_disk_that_becomes_read_only_is_reported_and_harms_nothing(
    finished_study, tmp_path, folder
):
    checkout = copied(finished_study, tmp_path)
    (checkout / STUDY / "report.html").unlink()
    for path in (checkout / STUDY).rglob("scores.csv"):
        path.unlink()
    before = contents(checkout / STUDY)
    place = (checkout / STUDY / folder).resolve()
    with mounted("--bind", str(place), at=place):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
        told(snakemake(checkout, "--cores", "2", study=tiny_study()))
        kept = {
            name: content for name, content in contents(checkout / STUDY).items() if name in before
        }
    logs = ("logs/", "benchmarks/")
    lost = [name for name in before if name not in kept and not name.startswith(logs)]
    assert not lost
    done = snakemake(checkout, "--cores", "2", study=tiny_study())
    assert done.returncode == 0, done.stdout + done.stderr
    same_results(checkout / STUDY, finished_study / STUDY)


SURROUNDINGS = {
    "spaces": {"folder": "a b  c"},
    "unicode": {"folder": "späce é 日本 🙂"},
    "quotes": {"folder": 'it\'s "quoted" `id` $HOME ;x'},
    "200 characters": {"folder": "l" * 200},
    "ASCII": {"environment": {"LC_ALL": "C", "LANG": "C"}},
    "no home": {"environment": {"HOME": "/dev/null/none"}},
    "umask 077": {"umask": 0o077},
    "other time zone": {"environment": {"TZ": "Pacific/Kiritimati"}},
    "other hash seed": {"environment": {"PYTHONHASHSEED": "12345"}},
}


@pytest.mark.parametrize("surroundings", SURROUNDINGS.values(), ids=SURROUNDINGS)
@pytest.mark.promise("odd-surrounding-alone")
def test_each_odd_surrounding_alone_changes_no_bit(finished_study, tmp_path, surroundings):
    checkout = copy_checkout(tmp_path / "checkout")
    study = tiny_study(seeds=1, variants={"minimax": {}})
    (checkout / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    elsewhere = tmp_path / surroundings.get("folder", "results elsewhere")
    elsewhere.mkdir()
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}

    def before_start():
        as_others()
        os.umask(surroundings.get("umask", 0o022))

    command = ["--cores", "2", "--configfile", "study.yaml", "--directory", str(elsewhere)]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *command],
        cwd=checkout,
        env=environment | surroundings.get("environment", {}),
        preexec_fn=before_start,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
    for name in of_runs(finished_study / STUDY, "digits/minimax/seed0"):
        expected = (finished_study / STUDY / name).read_bytes()
        assert (elsewhere / STUDY / name).read_bytes() == expected, name


@pytest.mark.promise("flipped-bit")
def test_any_flipped_bit_of_any_result_is_noticed(finished_study, tmp_path, monkeypatch):
    checkout, chance, flips = copied(finished_study, tmp_path), random.Random(0), 0
    monkeypatch.chdir(checkout)
    shelf = RecordShelf()
    results = [path for path in sorted(STUDY.rglob("*")) if path.is_file() and shelf.find(path)[1]]
    for path in results:
        content = path.read_bytes()
        for _ in range(100):
            flip_bit(path, chance.randrange(len(content)))
            with pytest.raises(files.DamagedFileError):
                files.check([path])
            path.write_bytes(content)
            flips += 1
        files.check([path])
    assert flips > 4000


@pytest.mark.promise("second-snakemake")
def test_second_snakemake_is_refused_whenever_it_starts(finished_study, tmp_path):
    checkout = copied(finished_study, tmp_path)
    shutil.rmtree(checkout / "results")
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "study.yaml"]
    refused = 0
    with (tmp_path / "said").open("w") as said:
        first = subprocess.Popen(command, cwd=checkout, stdout=said, stderr=said)
        while not list((checkout / ".snakemake/locks").glob("*")):
            assert first.poll() is None
            time.sleep(0.1)
        while first.poll() is None:
            second = snakemake(checkout, "--cores", "2", study=tiny_study())
            refused += "Directory cannot be locked" in second.stdout + second.stderr
            assert second.returncode != 0 or first.poll() is not None
    assert first.returncode == 0, (tmp_path / "said").read_text()
    assert refused >= 5
    same_results(checkout / STUDY, finished_study / STUDY)


@pytest.mark.promise("two-studies")
def test_two_studies_in_one_folder_do_not_affect_each_other(finished_study, tmp_path):
    checkout = copied(finished_study, tmp_path)
    shutil.rmtree(checkout / "results")
    started = []
    for name in ("tiny", "other"):
        study = yaml.safe_dump(tiny_study(study=name))
        (checkout / f"{name}.yaml").write_text(study, encoding="utf-8")
        command = ["--cores", "1", "--configfile", f"{name}.yaml"]
        started.append(
            subprocess.Popen([sys.executable, "-m", "snakemake", *command], cwd=checkout)
        )
    assert [each.wait() for each in started] == [0, 0]
    for name in ("tiny", "other"):
        same_results(checkout / "results" / name, finished_study / STUDY)
