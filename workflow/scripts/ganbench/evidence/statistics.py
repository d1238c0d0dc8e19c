"""The tables of a study, one function each: from scores and runs to what the report prints.

Rows follow the order in which datasets and variants first appear in `runs` (the study's order when
the runs were listed by `ganbench.study.runs`), then metrics in the order of `DEFINITIONS`. The
order of the rows of `scores` never matters. Failures and seeds are those of `runs`: one row per
run, with at least `dataset, variant, seed, status, step`.
"""

from ganbench.evidence.across_datasets import RANK_COLUMNS, ranks
from ganbench.evidence.comparisons import COMPARISON_COLUMNS, compare, compare_all
from ganbench.evidence.failures import RATE_COLUMNS, failure_rates
from ganbench.evidence.finals import final_scores
from ganbench.evidence.noise import NOISE_COLUMNS, noise
from ganbench.evidence.profiles import PROFILE_COLUMNS, profiles
from ganbench.evidence.summary import SUMMARY_COLUMNS, summarise
from ganbench.evidence.tuning import TUNING_COLUMNS, tuning

__all__ = [
    "COMPARISON_COLUMNS",
    "NOISE_COLUMNS",
    "PROFILE_COLUMNS",
    "RANK_COLUMNS",
    "RATE_COLUMNS",
    "SUMMARY_COLUMNS",
    "TUNING_COLUMNS",
    "compare",
    "compare_all",
    "failure_rates",
    "final_scores",
    "noise",
    "profiles",
    "ranks",
    "summarise",
    "tuning",
]
