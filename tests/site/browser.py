"""A browser without a window, on a site that is served here: what its tests see a page by."""

import http.server
import shutil
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path

WIDTHS = {"desktop": (1280, 900), "telephone": (390, 844)}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def chromium():
    """Return the path of a Chromium that is installed; without one there is nothing to test by."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        raise FileNotFoundError(f"none of {', '.join(CHROMIUM)} is on the path: install Chromium")
    return found


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *said):
        pass


@contextmanager
def served(folder):
    """Serve a folder on a port that is free, and give its address."""
    handler = partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Seen:
    """What a page said while it was opened: errors, and requests that failed or left this machine."""

    def __init__(self, page, address):
        self.wrong, self.address = [], address
        page.on("console", lambda m: m.type == "error" and self.wrong.append(m.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("requestfailed", lambda request: self.wrong.append(f"failed: {request.url}"))
        page.on("response", self._answered)

    def _answered(self, response):
        if response.status >= 400 or not response.url.startswith((self.address, "data:")):
            self.wrong.append(f"{response.status}: {response.url}")


ASKED = Path(__file__).with_name("page.js")
VIEWS = [("desktop", "light"), ("desktop", "dark"), ("telephone", "light")]
"""The sizes and themes in which every rule of accessibility is held."""


def ask(page, what, *given):
    """Return what a function of page.js finds wrong."""
    code = f"given => {{ {ASKED.read_text(encoding='utf-8')}; return seen.{what}(...given); }}"
    return page.evaluate(code, list(given))
