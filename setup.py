"""What of this repository an installed `ganbench` has; all else stands in pyproject.toml.

The library lies beside the scripts of the workflow, which find it without an installation. Folders
of the workflow that it reads become folders of the package; `ganbench.jobs.resources` finds both.
"""

from setuptools import find_packages, setup

LIBRARY = "workflow/scripts"
RESOURCES = ("report", "rulers", "schemas")

setup(
    packages=[
        *find_packages(LIBRARY, include=["ganbench", "ganbench.*"]),
        *(f"ganbench.workflow.{folder}" for folder in RESOURCES),
    ],
    package_dir={
        "": LIBRARY,
        **{f"ganbench.workflow.{folder}": f"workflow/{folder}" for folder in RESOURCES},
    },
    package_data={"": ["*.yaml", "*.npz", "*.json", "*.j2", "*.css", "*.js", "*.bib"]},
)
