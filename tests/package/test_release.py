"""What is released says everywhere what it is called and which version it is."""

import re
import tomllib
from importlib.metadata import metadata, version
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_what_is_installed_is_called_so():
    assert metadata("array-api-xent")["Name"] == PROJECT["name"] == "array-api-xent"
    assert version("array-api-xent") == PROJECT["version"]


def test_who_cites_it_names_the_version():
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", cited, re.MULTILINE)[1] == PROJECT["version"]


def test_changes_are_told():
    told = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[(Unreleased|{re.escape(PROJECT['version'])})\]", told, re.MULTILINE)
