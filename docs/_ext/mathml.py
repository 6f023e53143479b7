"""Formulas as MathML, which browsers draw themselves: no script, nothing to fetch."""

from html import escape

from docutils import nodes
from latex2mathml.converter import convert


def _formula(node, display):
    """Return the markup of a formula, a table of rows in displayed style."""
    text = node.astext().strip()
    if display == "block" and "\\\\" in text and "\\begin" not in text:
        text = rf"\begin{{aligned}}{text}\end{{aligned}}"
    made = convert(text, display=display)
    return made.replace("<math ", f'<math aria-label="{escape(text, quote=True)}" ', 1)


def _inline(self, node):
    self.body.append(_formula(node, "inline"))
    raise nodes.SkipNode


def _block(self, node):
    self.body.append(f'<div class="formula" tabindex="0">{_formula(node, "block")}</div>')
    raise nodes.SkipNode


def setup(app):
    """Register the renderer, and make it the one that is used."""
    app.add_html_math_renderer(
        "mathml", inline_renderers=(_inline, None), block_renderers=(_block, None)
    )
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
