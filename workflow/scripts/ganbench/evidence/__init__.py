"""What the scores show: estimates, comparisons, verdicts, ranks and sentences.

Pure functions from tables to tables and text; no file is read or written here.
"""
