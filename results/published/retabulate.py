"""Makes the tables of comparisons of published studies again, from their published scores.

    python results/published/retabulate.py

Run it after a change of the statistics: `summary.csv`, `comparisons.csv` and `pairs.csv` follow
from `scores.csv`, `runs.json` and `study.json`. The report and its figures stay as published, and
so do all tables of a study with a `reference`, which its report alone joins.
"""

import json
import sys
from pathlib import Path

import pandas as pd

PUBLISHED = Path(__file__).resolve().parent
sys.path.insert(0, str(PUBLISHED.parents[1] / "workflow/scripts"))
sys.path.insert(0, str(PUBLISHED))

import publish  # noqa: E402 (the path above)
from ganbench.evidence.comparisons import compare_all_pairs, compare_contrasts  # noqa: E402 (the path above)
from ganbench.evidence.tables import summarise  # noqa: E402 (the path above)
from ganbench.report.results import read_scores  # noqa: E402 (the path above)
from ganbench.study import resolve as studies  # noqa: E402 (the path above)
from ganbench.study.newer_keys import complete_study  # noqa: E402 (the path above)


def list_folders() -> list[Path]:
    """The folders of published studies that stand by themselves."""
    return [
        file.parent
        for file in sorted(PUBLISHED.glob("*/study.json"))
        if not json.loads(file.read_text(encoding="utf-8")).get("references")
    ]


def make_tables_again(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables of one published study, by name."""
    study = complete_study(json.loads((folder / "study.json").read_text(encoding="utf-8")))
    endings = json.loads((folder / "runs.json").read_text(encoding="utf-8"))
    rows = []
    for dataset, variant, seed in studies.list_runs(study):
        ending = endings[f"{dataset}/{variant}/seed{seed}"]
        rows.append((dataset, variant, seed, ending["status"], ending["step"]))
    runs = pd.DataFrame(rows, columns=["dataset", "variant", "seed", "status", "step"])
    scores = read_scores(folder / "scores.csv")
    runs = runs.iloc[_order_as_scored(runs, scores)].reset_index(drop=True)
    return {
        "summary": summarise(scores, runs, study["report"]["confidence"]),
        "comparisons": compare_contrasts(scores, runs, study),
        "pairs": compare_all_pairs(scores, runs, study),
    }


def _order_as_scored(runs: pd.DataFrame, scores: pd.DataFrame) -> list[int]:
    """The places of runs in the study's order, which `study.json`, sorted by name, has lost."""
    pairs = dict.fromkeys(zip(scores["dataset"], scores["variant"], strict=True))
    places = {pair: place for place, pair in enumerate(pairs)}
    of_runs = [
        places.get(pair, len(places)) for pair in zip(runs["dataset"], runs["variant"], strict=True)
    ]
    return sorted(range(len(runs)), key=of_runs.__getitem__)


def main() -> None:
    """Writes the tables of every published study."""
    for folder in list_folders():
        for name, table in make_tables_again(folder).items():
            table.to_csv(folder / f"{name}.csv", index=False)
            print(f"{folder.name}/{name}.csv: {len(table)} rows")
        publish.describe_files(folder)


if __name__ == "__main__":
    main()
