"""Folders that may not be written to, also for root, which gives up its privileges first."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from faulty import as_others
from ganbench.jobs import files
from project import copy_checkout, tiny_study

LIBRARY = Path(files.__file__).parents[2]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return copy_checkout(tmp_path_factory.mktemp("read_only") / "checkout")


@pytest.fixture
def read_only(tmp_path):
    folder = tmp_path / "read only"
    folder.mkdir()
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def run(*command, **options):
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        preexec_fn=as_others,
        check=False,
        timeout=300,
        **options,
    )


@pytest.mark.promise("read-only")
def test_read_only_folder_stops_root_too(read_only):
    done = run("-c", "open('x', 'w')", cwd=read_only)
    assert "PermissionError" in done.stderr


@pytest.mark.parametrize("what", ["file", "log"])
@pytest.mark.promise("read-only")
def test_job_names_the_file_that_it_may_not_write(read_only, tmp_path, what):
    log = (read_only if what == "log" else tmp_path) / "log"
    program = (
        "import sys; from pathlib import Path; from ganbench.jobs import files; "
        "from ganbench.jobs.job "
        "import job\nwith job(sys.argv[1]): files.write_text(Path(sys.argv[2]), 'x')"
    )
    done = run(
        "-c",
        program,
        str(log),
        str(read_only / "x"),
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
    )
    assert done.returncode == 1
    named = log if what == "log" else read_only / "x"
    assert (
        f"{named} could not be written: Permission denied. Either make it writable" in done.stderr
    )
    assert "Traceback" not in done.stderr
    assert not list(read_only.iterdir())


def snakemake(checkout, directory):
    (checkout / "study.yaml").write_text(yaml.safe_dump(tiny_study()), encoding="utf-8")
    command = ("-m", "snakemake", "--cores", "1", "--configfile", "study.yaml")
    return run(*command, "--directory", str(directory), cwd=checkout)


@pytest.mark.promise("read-only")
def test_read_only_results_are_named_before_anything_is_computed(checkout, tmp_path):
    (tmp_path / "results").mkdir(mode=0o555)
    done = snakemake(checkout, tmp_path)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Failed to create output directory results/tiny/" in said
    assert "Permission denied: 'results/tiny'" in said
    assert "Traceback" not in said
    assert not list((tmp_path / "results").iterdir())
    assert not {path.name for path in checkout.iterdir()} & {"results", ".snakemake"}


@pytest.mark.promise("umask")
def test_file_mode_follows_the_umask(tmp_path):
    before = os.umask(0o077)
    files.write_text(tmp_path / "folder/file", "x")
    os.umask(before)
    for path in (tmp_path / "folder", *(tmp_path / "folder").iterdir()):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


@pytest.mark.parametrize("has_records", [False, True])
@pytest.mark.promise("read-only")
def test_folder_that_snakemake_may_not_write_to_is_named_before_any_job(
    checkout, tmp_path, has_records
):
    folder = tmp_path / "read_only"
    unwritable = folder / ".snakemake" if has_records else folder
    unwritable.mkdir(parents=True)
    unwritable.chmod(0o555)
    done = run(
        "-m", "snakemake", "--cores", "1", "--directory", str(folder),
        cwd=checkout,
    )  # fmt: skip
    unwritable.chmod(0o755)
    assert done.returncode != 0
    assert f"{unwritable} may not be written to. Make it writable, or put" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
