"""What can be known of this machine's GPUs without importing torch."""

from pathlib import Path


def present() -> bool:
    """Whether the driver shows an NVIDIA GPU here."""
    return any(Path("/dev").glob("nvidia[0-9]*"))
