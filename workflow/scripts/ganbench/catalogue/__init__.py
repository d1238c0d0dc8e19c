"""What a study can name: objectives, variants, datasets, architectures, metrics, published scores.

Facts as YAML, read without torch, so that a study is checked before anything runs.
"""
