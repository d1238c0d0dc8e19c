"""Where and how the workflow is started changes no bit: odd paths, locale, umask, no home."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from faulty import as_others, copied
from project import copy_checkout, snakemake, tiny_study

ODD = "späce 'single' \"double\" $HOME `id` ;é 日本"
RUN_FILES = ("snapshots.pt", "samples.png", "scores.csv", "nearest.png")
TABLES = ("scores.csv", "summary.csv", "comparisons.csv", "pairs.csv", "rates.csv", "ranks.csv")


def files_without_durations(results: Path) -> list[Path]:
    """Every result, relative to `results`, that holds no duration."""
    names = ["datasets/digits/data.npz", "extractors/digits/classifier/features.npz", *TABLES]
    names += ["theory/minimax.json", "study.json"]
    runs = [path.relative_to(results) for path in results.glob("runs/*/*/*")]
    return [*map(Path, names), *(run / name for run in runs for name in RUN_FILES)]


@pytest.fixture(scope="module")
def read_only_checkout(tmp_path_factory):
    checkout = copy_checkout(tmp_path_factory.mktemp("read only") / "checkout")
    (checkout / "study.yaml").write_text(yaml.safe_dump(tiny_study()), encoding="utf-8")
    folders = [path for path in checkout.rglob("*") if path.is_dir()]
    for folder in (checkout, *folders):
        folder.chmod(0o555)
    yield checkout
    for folder in (checkout, *folders):
        folder.chmod(0o755)


def before_start():
    as_others()
    os.umask(0o077)


@pytest.fixture(scope="module")
def odd_results(read_only_checkout, tmp_path_factory):
    """The tiny study run with everything odd at once, one job at a time, without root's rights."""
    folder = tmp_path_factory.mktemp("odd")
    elsewhere = folder / ODD
    elsewhere /= "l" * max(1, 200 - len(os.fsencode(elsewhere)))
    elsewhere.mkdir(parents=True)
    assert len(os.fsencode(elsewhere)) >= 200
    about_language = {"LANG", "LANGUAGE", "LC_CTYPE", "PYTHONUTF8", "PYTHONIOENCODING"}
    environment = {name: value for name, value in os.environ.items() if name not in about_language}
    environment |= {"LC_ALL": "C", "HOME": "/dev/null/none"}
    environment |= {"XDG_CACHE_HOME": str(folder / "cache")}  # Snakemake itself needs one
    command = ["--cores", "1", "--configfile", "study.yaml", "--directory", str(elsewhere)]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *command],
        cwd=read_only_checkout,
        env=environment,
        preexec_fn=before_start,
        capture_output=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
    return elsewhere / "results/tiny"


@pytest.mark.promise("same-bytes")
@pytest.mark.promise("odd-surroundings")
def test_another_process_place_locale_and_cores_give_the_same_bytes(odd_results, finished_study):
    expected = finished_study / "results/tiny"
    names = files_without_durations(expected)
    assert len(names) == 10 + 4 * len(RUN_FILES)
    for name in names:
        assert (odd_results / name).read_bytes() == (expected / name).read_bytes(), name
    assert (odd_results / "report.html").exists()


@pytest.mark.promise("umask")
def test_umask_holds_and_a_read_only_checkout_stays_as_it_is(odd_results, read_only_checkout):
    assert not any(path.stat().st_mode & 0o077 for path in odd_results.rglob("*"))
    names = {path.name for path in read_only_checkout.iterdir()}
    assert not names & {"results", ".snakemake"}


def from_tomorrow(folder: Path) -> None:
    """Files as they are when a clock that went a day ahead was set right."""
    for path in folder.rglob("*"):
        times = path.stat()
        later = times.st_mtime_ns + 86_400 * 10**9
        os.utime(path, ns=(later, later))


@pytest.mark.promise("clock-set-back")
def test_clock_set_back_is_reported_and_leaves_nothing_stale(finished_study, tmp_path):
    checkout = copied(finished_study, tmp_path)
    results = checkout / "results/tiny"
    from_tomorrow(results)
    scores = "results/tiny/runs/digits/minimax/seed0/scores.csv"
    expected = (checkout / scores).read_bytes()
    again = (scores, "--cores", "1", "--forcerun", "evaluate")
    done = snakemake(checkout, *again, study=tiny_study())
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "older modification time" in said
    assert "clock skew" in said
    assert not (checkout / scores).exists()
    for path in results.rglob("*"):
        os.utime(path)  # the way out that docs/reliability.md names
    done = snakemake(checkout, *again, study=tiny_study())
    assert done.returncode == 0, done.stdout + done.stderr
    assert (checkout / scores).read_bytes() == expected


def test_results_from_the_future_are_not_made_again(finished_study, tmp_path):
    checkout = copied(finished_study, tmp_path)
    from_tomorrow(checkout / "results/tiny")
    done = snakemake(checkout, "--dry-run", study=tiny_study())
    assert "Nothing to be done" in done.stdout + done.stderr


@pytest.mark.promise("second-snakemake")
def test_second_snakemake_is_refused_and_the_first_continues(finished_study, tmp_path):
    checkout = copied(finished_study, tmp_path)
    results = checkout / "results/tiny"
    for name in ("report.html", "summary.csv"):
        (results / name).unlink()
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", "study.yaml"]
    with subprocess.Popen(
        command, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as first:
        while not list((checkout / ".snakemake/locks").glob("*")):
            assert first.poll() is None, first.communicate()[0]
        second = snakemake(checkout, "--cores", "1", study=tiny_study())
        assert first.poll() is None, "the first had ended already: nothing was tested"
        said = second.stdout + second.stderr
        output, _ = first.communicate(timeout=600)
    assert second.returncode != 0
    assert "Directory cannot be locked" in said
    assert "no other Snakemake process is trying to create the same files" in said
    assert "Traceback" not in said
    assert first.returncode == 0, output
    for name in ("report.html", "summary.csv", "scores.csv"):
        expected = (finished_study / "results/tiny" / name).read_bytes()
        assert (results / name).read_bytes() == expected, name
