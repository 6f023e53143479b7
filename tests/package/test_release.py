"""What is released says everywhere what it is called and which version it is."""

import re
import runpy
import sys
import tomllib
from importlib.metadata import metadata, version
from pathlib import Path
from unittest.mock import MagicMock

import pytest

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


VERSION = PROJECT["version"]
TOLD = f"# Changelog\n\n## [Unreleased]\n\n## [{VERSION}]\n\n### Added\n"


@pytest.mark.parametrize(
    ("status", "told", "ends"),
    [
        ("", TOLD, StopIteration),
        ("", TOLD.replace("## [Unreleased]\n\n", ""), StopIteration),
        ("?? notes.txt\n", TOLD, ValueError),
        ("", TOLD.replace("[Unreleased]\n", "[Unreleased]\n\n### Fixed\n"), ValueError),
        ("", TOLD + f"\n## [{VERSION}]\n", ValueError),
        ("", TOLD.replace(VERSION, "0.0.0"), ValueError),
    ],
)
def test_a_release_is_the_tag_and_its_changes_are_told(status, told, ends, monkeypatch):
    """A file that git does not know would be in the sdist, and one in src/ in the wheel."""
    nox = MagicMock(session=lambda function=None, **_: function or (lambda made: made))
    nox.project.load_toml.return_value = {"project": PROJECT}
    monkeypatch.setitem(sys.modules, "nox", nox)
    monkeypatch.setenv("PIP_COMPILE", "0")  # which noxfile.py would set
    release = runpy.run_path(str(ROOT / "noxfile.py"))["release"]
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: told)
    session = MagicMock()
    session.error.side_effect = ValueError
    session.install.side_effect = StopIteration  # no more than what is asked before
    answers = {"describe": f"v{VERSION}\n", "status": status}
    session.run.side_effect = lambda git, command, *_, **__: answers[command]
    with pytest.raises(ends):
        release(session)
