"""The stage that scores generated samples, in the features of an extractor or against a density."""
