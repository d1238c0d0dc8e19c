"""What the scores show: tables of estimates, comparisons with the baseline, and verdicts.

Pure functions: scores in, tables and sentences out; no file is read or written here.
"""
