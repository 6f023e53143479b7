"""How the site is made: Sphinx, MyST and the project's own code; `nox -s docs` runs it."""

import os
import sys
from pathlib import Path

import xent

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]
# What the cells see beside the package: the records of benchmarks/ and conformance/, the tables of tests/.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(HERE.parent), str(HERE / "_ext"), os.getenv("PYTHONPATH")])
)
os.environ["MATPLOTLIBRC"] = str(HERE / "matplotlibrc")
os.environ["KERAS_BACKEND"] = "numpy"  # which nobody else has chosen
os.environ["JAX_PLATFORMS"] = "cpu"

project = "xent"
author = copyright = "The xent developers"  # Sphinx's own name for it
release = version = xent.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_design",
    "mathml",
    "names",
    "roles",
    "script",
    "streams",
    "support",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

nitpicky = True
suppress_warnings = ["ref.footnote"]  # a reference that a docstring lists and does not cite

autodoc_typehints = "none"  # the docstrings say shapes and dtypes, which types do not
autodoc_default_options = {"member-order": "bysource"}
autosummary_ignore_module_all = False
default_role = "name"
numpydoc_show_class_members = False

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_render_markdown_format = "myst"
nb_output_stderr = "warn"  # which is an error

html_theme = "furo"
html_title = f"xent {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["scroll.js"]
html_favicon = "_static/icon.svg"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b6e4f", "color-brand-content": "#0b6e4f"},
    "dark_css_variables": {"color-brand-primary": "#5fd0a5", "color-brand-content": "#5fd0a5"},
}
