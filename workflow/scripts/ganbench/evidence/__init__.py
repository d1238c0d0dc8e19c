"""What the scores show: estimates, comparisons, failures, ranks, and sentences made from them.

Pure functions: scores in, tables and sentences out; no file is read or written here. The room has
two doors. `statistics` makes the tables, one function each: `summarise` (summary.csv), `compare`
(comparisons.csv), `compare_all` (pairs.csv), `failure_rates` (rates.csv), `ranks` (ranks.csv),
`profiles` (profiles.csv), `noise` (noise.csv) and `tuning` (tuning.csv). `verdicts` puts them into
words: `headline`, `sentence`, `rank_sentence`, `noise_sentence` and `of_runs`.

Behind them, numbers: `estimators` (means and differences), `effects` (their size),
`proportions` (rates and probabilities of winning). None of these knows a table.
"""
