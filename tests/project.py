"""A checkout of its own for tests that run Snakemake: what they change, nobody else sees."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "workflow", "config", "envs", "profiles", "pyproject.toml")
TINY = ROOT / "tests/studies/tiny.yaml"


def copy_checkout(folder: Path) -> Path:
    """Copies what the workflow needs, and no results, to `folder`."""
    folder.mkdir(parents=True)
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        options = (
            {"ignore": shutil.ignore_patterns("__pycache__")} if copy is shutil.copytree else {}
        )
        copy(ROOT / part, folder / part, **options)
    return folder


def tiny_study(**changes: object) -> dict:
    """The tiny study with top-level keys changed."""
    return {**yaml.safe_load(TINY.read_text(encoding="utf-8")), **changes}


def snakemake(checkout: Path, *arguments: str, study: dict | str | None = None, **environment: str):
    """Runs `snakemake` in `checkout`; a study given as a dict is written to a file first."""
    given = []
    if study is not None:
        if isinstance(study, dict):
            study = yaml.safe_dump(study, sort_keys=False, allow_unicode=True)
        (checkout / "study.yaml").write_text(study, encoding="utf-8")
        given = ["--configfile", "study.yaml"]
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments, *given],
        cwd=checkout,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def planned(checkout: Path, *arguments: str, study: dict | None = None) -> Counter:
    """What a dry-run would do: how often each `rule` or `rule dataset/variant/seed`."""
    done = snakemake(checkout, "--dry-run", "--printshellcmds", *arguments, study=study)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = Counter()
    for block in re.split(r"\n(?=\[)", done.stdout + done.stderr):
        rule = re.search(r"^(?:local)?rule (\w+):", block, re.M)
        if rule and rule[1] != "all":
            wildcards = re.search(r"^    wildcards: (.*)$", block, re.M)
            values = re.findall(r"=(\w+)", wildcards[1]) if wildcards else []
            jobs["/".join([rule[1], *values])] += 1
    return jobs
