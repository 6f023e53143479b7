"""The table of what runs where, of what the tests wrote: it is true of these sources, or the build fails."""

import json
import os
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from tests.support.record import digest, of_registry

COLUMNS = (
    *("value", "gradient", "second derivatives", "autograd", "forward mode", "vmap", "compiled"),
    *("lazy", "several devices"),
)
LIBRARIES = {
    "numpy": "NumPy",
    "strict": "array-api-strict",
    "torch": "PyTorch",
    "jax": "JAX",
    "dask": "Dask",
}
EVERYWHERE = {(library, "value") for library in LIBRARIES}
"""What no function may lack."""


def cells():
    """Return the cells of each function, as (library, way); what is stale or lacks a function raises."""
    path = Path(os.environ.get("XENT_SUPPORT", "docs/_build/support.json"))
    if not path.exists():
        raise ExtensionError(f"{path} isn't there; nox -s support")
    table = json.loads(path.read_text(encoding="utf-8"))
    if not table["passed"]:
        raise ExtensionError(f"{path}: a test failed; nox -s support")
    if table["digest"] != digest():
        raise ExtensionError(f"{path} is of other sources than these; nox -s support")
    found = {name: set() for name in of_registry()}
    for name, library, way in table["cells"]:
        found[name].add((library, way))
    for name, has in found.items():
        if not has >= EVERYWHERE:
            raise ExtensionError(f"{path}: {name} lacks {sorted(EVERYWHERE - has)}")
    return found


def _row(texts, kind=nodes.paragraph):
    row = nodes.row()
    for text in texts:
        row += nodes.entry("", text if isinstance(text, nodes.Node) else kind(text, text))
    return row


def grid(heads, rows):
    """Return a table."""
    group = nodes.tgroup(cols=len(heads))
    group += [nodes.colspec(colwidth=1) for _ in heads]
    group += nodes.thead("", _row(heads))
    group += nodes.tbody("", *map(_row, rows))
    return nodes.table("", group, classes=["support"])


class Support(SphinxDirective):
    """``support`` of a function: libraries by ways. Without one: functions by libraries."""

    optional_arguments = 1

    def run(self):
        """Return the table, and nothing for a name that is no function of arrays."""
        found = cells()
        if not self.arguments:
            return [self._all(found)]
        has = found.get(self.arguments[0])
        if has is None:
            return []
        ways = [way for way in COLUMNS if any(at == way for _, at in has)]
        rows = [
            [title, *("yes" if (library, way) in has else "–" for way in ways)]
            for library, title in LIBRARIES.items()
        ]
        said = (
            "A dash is what the library doesn't have, or what is held by other tests than these, as a "
            "GPU, CuPy, and several devices of torch and Dask are: see :doc:`/reference/support`."
        )
        inline, _ = self.parse_inline(said)
        below = nodes.paragraph("", "", *inline)
        return [nodes.rubric("", "What runs where"), grid(["library", *ways], rows), below]

    def _all(self, found):
        rows = []
        for name, has in found.items():
            text = f"{{py:func}}`~xent.{name}`"
            link, _ = self.parse_inline(text)
            counts = [str(sum(at == library for at, _ in has)) for library in LIBRARIES]
            rows.append([nodes.paragraph("", "", *link), *counts])
        return grid(["function", *LIBRARIES.values()], rows)


def setup(app):
    """Register the directive; a table that isn't there, or isn't of these sources, ends the build here."""
    app.add_directive("support", Support)
    app.connect("builder-inited", lambda app: cells())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
