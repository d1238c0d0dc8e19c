"""Turns a study file into the resolved parameters of every run."""
