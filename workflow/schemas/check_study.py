"""Checks a study file without Snakemake, and prints the study's name.

    python workflow/schemas/check_study.py config/my_study.yaml

Snakemake reads --configfile before any file of this workflow, and ends with a traceback where the
file is missing or not UTF-8. Here such a file is refused with one message, like any other mistake.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from ganbench.study.schema import StudyError  # noqa: E402 (found through the line above)
from ganbench.study.written import load_study  # noqa: E402


def main(arguments: list[str]) -> int:
    """Returns 1, after one message, for a file that cannot be used."""
    if len(arguments) != 1:
        print(f"expected one study file, found {len(arguments)} arguments", file=sys.stderr)
        return 1
    try:
        study = load_study([Path(arguments[0])], (), {})
    except StudyError as error:
        print(error, file=sys.stderr)
        return 1
    print(study["study"])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
