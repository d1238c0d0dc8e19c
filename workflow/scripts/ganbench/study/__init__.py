"""From a study file to the resolved parameters of every run."""
