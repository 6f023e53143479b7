"""A directive that shows a Python file and what it prints: run when the site is built, wherever it stands."""

import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective


class Script(SphinxDirective):
    """``{script} file.py``: the code, and its output; a script that fails fails the build."""

    required_arguments = 1
    option_spec: ClassVar = {"environment": directives.unchanged}

    def run(self):
        """Return the two blocks."""
        relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        given = dict(pair.split("=", 1) for pair in self.options.get("environment", "").split())
        done = subprocess.run(
            [sys.executable, path],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **given},
        )
        if done.returncode:
            raise self.severe(f"{self.arguments[0]} fails:\n{done.stderr}")
        shown = Path(path).read_text(encoding="utf-8")
        code = nodes.literal_block(shown, shown, language="python")
        output = nodes.literal_block(done.stdout, done.stdout, language="none")
        return [code, nodes.container("", output, classes=["cell_output"])]


def setup(app):
    """Register the directive."""
    app.add_directive("script", Script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
