"""A study that declares something else after its training: nothing is trained, and it is told."""

import json
import shutil

from ganbench.study.declaration import digest_declaration
from ganbench.study.resolve import resolve
from project import snakemake, tiny_study


def test_declaration_is_kept_before_training_and_a_later_one_is_told(finished_study, tmp_path):
    checkout = shutil.copytree(finished_study, tmp_path / "checkout", symlinks=True)
    results = checkout / "results/tiny"
    trained_under = digest_declaration(resolve(tiny_study(), "tiny.yaml"))
    kept = (results / "declared.json").read_bytes()
    assert [declaration["sha256"] for declaration in json.loads(kept)] == [trained_under]
    runs = [json.loads(file.read_text()) for file in results.glob("runs/*/*/*/run.json")]
    assert {run["declaration"] for run in runs} == {trained_under}
    assert "declared differently" not in (results / "report.html").read_text()
    done = snakemake(checkout, "--cores", "2", study=tiny_study(baseline="non_saturating"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Study tiny: 1 job." in done.stdout + done.stderr
    assert (results / "declared.json").read_bytes() == kept
    page = (results / "report.html").read_text()
    assert f"declared differently, as {trained_under[:16]}; 4 runs of this report" in page
    assert "baseline: minimax before, non_saturating now" in page
    study = json.loads((results / "study.json").read_text())
    assert study["declaration"] != trained_under


def test_digest_is_printed_before_training_and_in_a_dry_run(finished_study, tmp_path):
    digest = digest_declaration(resolve(tiny_study(seeds=3), "tiny.yaml"))
    done = snakemake(finished_study, "--dry-run", study=tiny_study(seeds=3))
    assert f"Declaration {digest[:16]}: " in done.stdout + done.stderr
    done = snakemake(finished_study, "--dry-run", study=tiny_study())
    assert "Declaration" not in done.stdout + done.stderr
