"""Runs of other studies: checked by hash against a study's data, and copied to its results."""
