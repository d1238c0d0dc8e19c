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
SAME = ("datasets/digits/data.npz", "extractors/digits/classifier/features.npz")
SAME += ("theory/minimax.json", "runs/digits/minimax/seed0/snapshots.pt")
SAME += ("runs/digits/minimax/seed0/scores.csv",)


@pytest.fixture
def read_only_checkout(tmp_path):
    checkout = copy_checkout(tmp_path / "checkout")
    study = tiny_study(seeds=1, variants={"minimax": {}})
    (checkout / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    folders = [path for path in checkout.rglob("*") if path.is_dir()]
    for folder in (checkout, *folders):
        folder.chmod(0o555)
    yield checkout
    for folder in (checkout, *folders):
        folder.chmod(0o755)


def before_start():
    as_others()
    os.umask(0o077)


def test_odd_path_locale_umask_home_and_read_only_checkout_change_no_bit(
    read_only_checkout, finished_study, tmp_path
):
    """All at once, and root without its privileges. Snakemake itself needs a cache folder."""
    elsewhere = tmp_path / ODD
    elsewhere /= "l" * max(1, 200 - len(os.fsencode(elsewhere)))
    elsewhere.mkdir(parents=True)
    assert len(os.fsencode(elsewhere)) >= 200
    said_where = {"LANG", "LANGUAGE", "LC_CTYPE", "PYTHONUTF8", "PYTHONIOENCODING"}
    environment = {name: value for name, value in os.environ.items() if name not in said_where}
    environment |= {"LC_ALL": "C", "HOME": "/dev/null/none"}
    environment |= {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = ["--cores", "2", "--configfile", "study.yaml", "--directory", str(elsewhere)]
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
    found, first = elsewhere / "results/tiny", finished_study / "results/tiny"
    for name in SAME:
        assert (found / name).read_bytes() == (first / name).read_bytes(), name
    assert (found / "report.html").exists()
    assert not any(path.stat().st_mode & 0o077 for path in found.rglob("*")), "the umask is 077"
    assert not {path.name for path in read_only_checkout.iterdir()} & {"results", ".snakemake"}


def from_tomorrow(folder: Path) -> None:
    """Files as they are when a clock that went a day ahead was set right."""
    for path in folder.rglob("*"):
        times = path.stat()
        later = times.st_mtime_ns + 86_400 * 10**9
        os.utime(path, ns=(later, later))


def test_clock_set_back_is_said_and_nothing_stale_is_left(finished_study, tmp_path):
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


def test_second_snakemake_on_a_study_is_refused_and_the_first_goes_on(finished_study, tmp_path):
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
