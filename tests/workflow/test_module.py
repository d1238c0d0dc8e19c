"""Other workflows use this one by `module:`, from a folder or from a release."""

import json
import shutil
import subprocess

import pytest
import yaml
from project import ROOT, copy_checkout, snakemake, tiny_study

SNAKEFILE = """
configfile: "study.yaml"
module ganbench:
    snakefile: {snakefile}
    config: config["gans"]
    prefix: "comparison"
use rule * from ganbench as gan_*
"""
LAST_STEP = """
rule count:
    default_target: True
    input: "comparison/results/tiny/report.html"
    output: "size.txt"
    shell: "wc -c < {input} > {output}"
"""
RUN = "comparison/results/tiny/runs/digits/minimax/seed0"
NAMED = ("-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


def git(folder, *arguments: str) -> str:
    command = ["git", *NAMED, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A repository with a tag, and the variables with which github.com stands for its place."""
    folder = tmp_path_factory.mktemp("release")
    checkout = copy_checkout(folder / "checkout")
    for name in (".gitattributes", ".git_archival.txt"):
        shutil.copy(ROOT / name, checkout)
    git(checkout, "init", "--quiet")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "first")
    git(checkout, "tag", "v1")
    config = folder / "gitconfig"
    config.write_text(f'[url "{checkout}"]\n  insteadOf = https://github.com/lab/ganbench\n')
    variables = {"GIT_CONFIG_GLOBAL": str(config), "XDG_CACHE_HOME": str(folder / "cache")}
    return git(checkout, "rev-parse", "HEAD").strip(), variables


def write_workflow(folder, snakefile: str, rest: str = ""):
    folder.mkdir()
    (folder / "Snakefile").write_text(SNAKEFILE.format(snakefile=snakefile) + rest)
    study = {"gans": tiny_study(seeds=1, variants={"minimax": {}})}
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    return folder


def test_release_runs_a_study_within_another_workflow(tmp_path, release):
    commit, variables = release
    source = 'github("lab/ganbench", path="workflow/Snakefile", tag="v1")'
    folder = write_workflow(tmp_path / "other", source, LAST_STEP)
    done = snakemake(folder, "--cores", "2", **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int((folder / "size.txt").read_text()) > 100_000
    assert {file.name for file in folder.iterdir()} == {
        ".snakemake", "Snakefile", "comparison", "size.txt", "study.yaml",
    }  # fmt: skip
    assert json.loads((folder / RUN / "run.json").read_text())["software"]["commit"] == commit
    again = snakemake(folder, "--cores", "2", **variables)
    assert "Nothing to be done" in again.stdout + again.stderr


def test_folder_is_a_module_whose_target_is_the_default(tmp_path):
    folder = write_workflow(tmp_path / "other", repr(str(ROOT / "workflow/Snakefile")))
    done = snakemake(folder, "--dry-run", "--quiet", "rules")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gan_all" in done.stdout + done.stderr
    done = snakemake(folder, "--dry-run", "comparison/results/tiny/theory/minimax.json")
    assert "gan_theory" in done.stdout + done.stderr


def test_workflow_folder_alone_runs_the_default_study(tmp_path):
    """As `snakemake` finds it where only workflow/ was deployed."""
    done = snakemake(tmp_path, "-n", "-s", str(ROOT / "workflow/Snakefile"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "report" in done.stdout + done.stderr
