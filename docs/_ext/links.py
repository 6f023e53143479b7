"""Check the built site's links: each file and each anchor that a page names is there; none leads elsewhere.

`python docs/_ext/links.py FOLDER` prints what is missing, and then ends with 1.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ABROAD = ("https://github.com/pradyunsg/furo",)  # the theme's own, at the foot of each page


class Page(HTMLParser):
    """What a page names, and what may be named in it."""

    def __init__(self, path):
        super().__init__()
        self.names, self.anchors = [], {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        """Keep its link, and its anchor."""
        given = dict(attrs)
        self.anchors.update(filter(None, (given.get("id"), given.get("name"))))
        named = given.get("href" if tag in ("a", "link") else "src")
        if named is not None:
            self.names.append(named)


def broken(folder):
    """Return (page, link) of each link that leads nowhere."""
    pages = {path.resolve(): Page(path) for path in folder.rglob("*.html")}
    for path, page in pages.items():
        for name in page.names:
            to = urlsplit(name)
            if to.scheme == "data" or name.startswith(ABROAD):
                continue
            target = (path.parent / unquote(to.path)).resolve() if to.path else path
            found = not to.scheme and not to.netloc and target.exists()
            if found and target in pages and to.fragment:
                found = unquote(to.fragment) in pages[target].anchors
            if not found:
                yield path.relative_to(folder.resolve()), name


if __name__ == "__main__":
    lost = [f"{page}: {name}\n" for page, name in broken(Path(sys.argv[1]))]
    sys.stdout.writelines(lost)
    sys.exit(bool(lost))
