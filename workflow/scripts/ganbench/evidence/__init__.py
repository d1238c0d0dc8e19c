"""What the scores show: estimates, comparisons, verdicts, ranks and sentences.

Pure functions from tables to tables and text; they read and write no files.
"""
