"""What a page says to a screen reader, where what makes the pages says it wrongly."""

MENDED = {
    'role="doc-biblioentry"': 'role="listitem"',  # ARIA 1.3 has no other entry of a list
    '<summary aria-label="Toggle hidden content">': "<summary>",  # which reads what is to be seen
}
"""What docutils and MyST-NB write, and what is written."""


def mended(app, page, template, context, doctree):
    """Mend what stands in a page."""
    for written, meant in MENDED.items():
        context["body"] = context.get("body", "").replace(written, meant)


def setup(app):
    """Have each page mended before its template is filled."""
    app.connect("html-page-context", mended)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
