"""The seed of a named random stream, for code that imports torch and for code that does not."""

import hashlib


def stream_seed(dataset: str, seed: int, name: str) -> int:
    """The 63-bit seed of one named stream, from SHA-256 of its key."""
    digest = hashlib.sha256(f"{dataset}/{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
