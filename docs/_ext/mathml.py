"""Formulas as MathML, which browsers draw themselves: no script, nothing to fetch."""

import re
from html import escape

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.errors import ExtensionError

_LEFT = re.compile(r"\\|<mn>[\d.]+(?:em|ex|pt)</mn>")
"""What the converter passes on as text: a command that it doesn't know, or a length, as [1ex]."""
_NAME = r"<msub><mi>log</mi><mn>\d+</mn></msub>|(?<!<msub>)(?<!<msup>)<mi>(?:log|exp)</mi>"
_THIN = '<mspace width="0.1667em"/>'


def _spaced(made):
    """Return markup with a thin space on both sides of a function's name: "log 2" is not log₂.

    But for a bracket, or a sign, that has its own.
    """
    made = re.sub(rf"({_NAME})(?=<(?!mo|/))", rf"\1{_THIN}", made)
    return re.sub(rf"(</(?!mrow>)\w+>)({_NAME})", _before, made)


def _before(found):
    return found[1] + ("" if found[1] == "</mo>" else _THIN) + found[2]


def _formula(node, display):
    """Return the markup of a formula, a table of rows in displayed style."""
    text = node.astext().strip()
    if display == "block" and "\\\\" in text and "\\begin" not in text:
        text = rf"\begin{{aligned}}{text}\end{{aligned}}"
    made = _spaced(convert(text, display=display))
    if _LEFT.search(made):
        raise ExtensionError(f"latex2mathml does not convert all of this formula: {text}")
    return made.replace("<math ", f'<math aria-label="{escape(text, quote=True)}" ', 1)


def _inline(self, node):
    self.body.append(_formula(node, "inline"))
    raise nodes.SkipNode


def _block(self, node):
    self.body.append(f'<div class="formula">{_formula(node, "block")}</div>')
    raise nodes.SkipNode


def setup(app):
    """Register the renderer, and make it the one that is used."""
    app.add_html_math_renderer(
        "mathml", inline_renderers=(_inline, None), block_renderers=(_block, None)
    )
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
