"""What docstrings put in single quotes: a link where it is a public name, code where it is not."""

import inspect
import re

from docutils import nodes
from sphinx import addnodes

import xent


def _kind(name):
    found = getattr(xent, name, None)
    if inspect.isclass(found):
        return "class"
    return "func" if callable(found) else None


def name(role, raw, text, line, inliner, options=None, content=None):
    """Return the text as code, within a link to the page of the name."""
    bare = text.removeprefix("xent.")
    code = nodes.literal(raw, text)
    kind = None if "." in bare else _kind(bare)
    if kind is None:
        return [code], []
    link = addnodes.pending_xref(
        raw, code, refdomain="py", reftype=kind, reftarget=f"xent.{bare}", refexplicit=True
    )
    return [link], []


def plain(app, what, name, obj, options, lines):
    """Have |x| be the size of x and (k, *rows) a shape, and a module's headings none of the page's."""
    for at, line in enumerate(lines):
        if "``" not in line and not line.lstrip().startswith(">>>"):
            lines[at] = re.sub(r"\||(?<=[ (])\*(?=\w+[,)])", r"\\\g<0>", line)
        if what == "module" and line and not line.strip("-"):
            lines[at - 1 : at + 1] = [f".. rubric:: {lines[at - 1]}", ""]


def skipped(app, what, name, obj, skip, options):
    """Leave out what a named tuple says of its fields, which is their number."""
    return True if (inspect.getdoc(obj) or "").startswith("Alias for field number") else None


def setup(app):
    """Register the role, which conf.py makes the default one."""
    app.add_role("name", name)
    app.connect("autodoc-skip-member", skipped)
    app.connect("autodoc-process-docstring", plain, priority=900)  # after numpydoc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
