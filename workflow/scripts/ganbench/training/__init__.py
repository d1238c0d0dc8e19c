"""The training stage: Algorithm 1 of Goodfellow et al. 2014, for any objective."""
