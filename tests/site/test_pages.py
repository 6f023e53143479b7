"""Every page of the built site, in a real browser, wide and narrow, light and dark."""

import os
import tomllib
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.site import browser

SITE = Path(os.environ.get("XENT_SITE", "docs/_build/html")).resolve()
AXE = Path(os.environ.get("XENT_AXE", "docs/_build/axe/node_modules/axe-core/axe.min.js"))
PAGES = sorted(
    str(path.relative_to(SITE))
    for path in SITE.rglob("*.html")
    if "_static" not in path.relative_to(SITE).parts
)


@pytest.fixture(scope="session")
def address():
    with browser.served(SITE) as address:
        yield address


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=browser.chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield found
        found.close()


@pytest.fixture
def opened(chromium, address):
    """Open a page of a size and a theme, and return it with what it said."""
    contexts = []

    def open_(path, size="desktop", theme="light"):
        width, height = browser.WIDTHS[size]
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme
        )
        contexts.append(context)
        page = context.new_page()
        seen = browser.Seen(page, address)
        page.goto(f"{address}/{path}", wait_until="load")
        return page, seen

    yield open_
    for context in contexts:
        context.close()


def test_there_are_pages():
    assert len(PAGES) > 80, f"{SITE} holds {len(PAGES)} pages: nox -s docs builds it"


@pytest.mark.parametrize("size", browser.WIDTHS)
@pytest.mark.parametrize("path", PAGES)
def test_page(path, size, opened):
    page, seen = opened(path, size)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
    page.wait_for_load_state("networkidle")
    assert not seen.wrong
    assert not browser.ask(page, "missing")
    assert "<Figure size" not in page.inner_text(
        "article"
    )  # a picture that was named and not drawn
    assert not browser.ask(page, "shrunk")
    assert not browser.ask(page, "overflow")
    assert not browser.ask(page, "cut")
    assert not browser.ask(page, "stops")


@pytest.mark.parametrize(("size", "theme"), browser.VIEWS)
@pytest.mark.parametrize("path", PAGES)
def test_every_rule_of_accessibility(path, size, theme, opened):
    page, _ = opened(path, size, theme)
    page.add_style_tag(content="* { animation: none !important; transition: none !important }")
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    assert not browser.ask(page, "axe")


@pytest.mark.parametrize("size", browser.WIDTHS)
def test_search(size, opened):
    page, seen = opened("search.html?q=perplexity", size)
    page.wait_for_selector("ul.search li a")
    found = page.eval_on_selector_all("ul.search li a", "links => links.map(a => a.href)")
    assert any("xent.perplexity" in link for link in found)
    assert not seen.wrong


def test_the_version_is_shown(opened):
    about = Path(__file__).parents[2] / "pyproject.toml"
    version = tomllib.loads(about.read_text(encoding="utf-8"))["project"]["version"]
    page, _ = opened("start.html")
    assert page.locator(".sidebar-brand-text").inner_text() == f"xent {version}"


def test_the_reader_chooses_dark_and_light(opened):
    page, _ = opened("index.html")
    colours = set()
    for _ in range(3):  # auto, light, dark
        page.locator(".theme-toggle:visible").first.click()
        colours.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(colours) == 2


def test_tabs_follow_the_readers_library(opened):
    page, _ = opened("start.html")
    page.locator("label.sd-tab-label", has_text="JAX").first.click()
    assert page.locator('text=pip install ".[jax]" scikit-learn').first.is_visible()
    assert page.locator("text=jax.value_and_grad(cost)").first.is_visible()


def test_formulas_need_no_script(chromium, address):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/documents/information.html")
    first = page.locator("math").first.bounding_box()
    context.close()
    assert first["width"] > 20
    assert first["height"] > 10
