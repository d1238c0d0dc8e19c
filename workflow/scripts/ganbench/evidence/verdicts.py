"""What the tables say in words: verdicts, and the sentences written from the same numbers."""

from ganbench.evidence.headlines import headline
from ganbench.evidence.sentences import noise_sentence, rank_sentence, sentence
from ganbench.evidence.verdict_rules import exactly_equal, improves, kind, verdict
from ganbench.evidence.wording import of_runs

__all__ = [
    "exactly_equal",
    "headline",
    "improves",
    "kind",
    "noise_sentence",
    "of_runs",
    "rank_sentence",
    "sentence",
    "verdict",
]
