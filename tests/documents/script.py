"""A script is run as a user runs it."""

import runpy
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*arguments):
    """Run Python on its own, and return what it said."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def printed(script, *arguments):
    """Run a script in this process, which has imported most of what it needs; return what it printed."""
    given = [str(script), *map(str, arguments)]
    with patch.object(sys, "argv", given), redirect_stdout(StringIO()) as said:
        runpy.run_path(str(script), run_name="__main__")
    return said.getvalue()
