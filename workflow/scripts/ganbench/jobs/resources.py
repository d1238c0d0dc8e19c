"""Files of the workflow that the library reads: in a checkout, and in an installed package."""

from pathlib import Path

LIBRARY = Path(__file__).parents[1]


def find_resources(name: str) -> Path:
    """The folder `workflow/{name}` of this repository, which `setup.py` puts into a package."""
    installed = LIBRARY / "workflow" / name
    return installed if installed.is_dir() else LIBRARY.parents[1] / name
