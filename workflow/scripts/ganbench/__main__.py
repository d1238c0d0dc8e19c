"""Runs a command: PYTHONPATH=workflow/scripts python -m ganbench --help."""

import sys

from ganbench.commands.arguments import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
