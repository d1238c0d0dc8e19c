"""What a person's account and settings must not decide: set before any library looks for them."""

import getpass
import os


def name_user() -> None:
    """Gives the user the name of its number where the system knows none, as in a container.

    Snakemake prints the user's name, and torch names a folder after it; both end without one.
    """
    try:
        getpass.getuser()
    except (KeyError, OSError):  # from Python 3.13 on OSError
        os.environ["LOGNAME"] = str(os.getuid())


def choose_backend() -> None:
    """Names matplotlib's backend for files.

    Matplotlib reads the name when it is imported, and refuses that of a notebook. No window is
    ever opened here.
    """
    os.environ["MPLBACKEND"] = "agg"
