"""Copies a finished study, without its data and weights, to results/published/STUDY.

    python results/published/publish.py STUDY [RESULTS]

RESULTS is the study's folder, results/STUDY by default. The report, the tables, the figures as SVG
and the resolved study are copied. `runs.json` records for each run how it ended, on which machine,
with which versions, and the SHA-256 of its generator; verify.py compares a repetition with it.
"""

import json
import shutil
import sys
from pathlib import Path

PUBLISHED = Path(__file__).resolve().parent
RUN_KEYS = (
    "status",
    "step",
    "reason",
    "seconds",
    "generator_sha256",
    "device",
    "machine",
    "fingerprint",
    "versions",
)


def main(study: str, results: Path) -> None:
    """Writes the folder of `study` from scratch."""
    if not (results / "report.html").exists():
        sys.exit(f"{results}: there is no report.html; the study has not been run to its end")
    folder = PUBLISHED / study
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "figures").mkdir(parents=True)
    for file in (results / "report.html", results / "study.json", *results.glob("*.csv")):
        shutil.copyfile(file, folder / file.name)
    for file in results.glob("figures/*.svg"):
        shutil.copyfile(file, folder / "figures" / file.name)
    runs = {}
    for file in sorted(results.glob("runs/*/*/*/run.json")):
        run = json.loads(file.read_text(encoding="utf-8"))
        name = "/".join(file.parts[-4:-1])
        runs[name] = {key: run[key] for key in RUN_KEYS if key in run}
    text = json.dumps(runs, indent=1, ensure_ascii=False) + "\n"
    (folder / "runs.json").write_text(text, encoding="utf-8")
    print(f"{folder}: {len(runs)} runs")


if __name__ == "__main__":
    name = sys.argv[1]
    main(name, Path(sys.argv[2]) if len(sys.argv) > 2 else PUBLISHED.parent / name)
