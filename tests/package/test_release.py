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


def test_the_suite_is_released_with_it():
    """One tag is one version of both; what is built of a folder has the licence that stands in it."""
    folder = ROOT / "conformance"
    suite = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert suite["version"] == PROJECT["version"]
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert suite["name"] in (folder / "README.md").read_text(encoding="utf-8")


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
    session = MagicMock()
    session.error.side_effect = ValueError
    session.install.side_effect = StopIteration  # no more than what is asked before
    with pytest.raises(ends):
        release(session, status, told, monkeypatch)


def test_a_release_has_both_and_the_same_bytes_twice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    built = []

    def build(*words):
        folder, source = Path(words[-2].removeprefix("--outdir=")), words[-1]
        built.append(source)
        folder.mkdir(parents=True)
        for kind in ("whl", "tar.gz"):
            (folder / f"{'suite' if source == 'conformance' else 'xent'}.{kind}").touch()
        if unlike and len(built) == 4:
            (folder / "suite.whl").write_bytes(b"other")

    session = MagicMock()
    session.create_tmp.return_value = str(tmp_path / "tmp")
    session.run_install.side_effect = build
    unlike = False
    release(session, "", TOLD, monkeypatch)
    assert built == [".", ".", "conformance", "conformance"]
    found = {path.name for path in (tmp_path / "dist").iterdir()}
    assert found == {"xent.whl", "xent.tar.gz", "suite.whl", "suite.tar.gz"}
    unlike = True
    built.clear()
    session.error.side_effect = StopIteration
    with pytest.raises(StopIteration):
        release(session, "", TOLD, monkeypatch)
    session.error.assert_called_once_with("built twice, these differ: ['suite.whl']")


def release(session, status, told, monkeypatch):
    """Run the session as `nox -s release` does, of a tag of this version; nox itself need not be there."""
    nox = MagicMock(session=lambda function=None, **_: function or (lambda made: made))
    nox.project.load_toml.return_value = {"project": PROJECT}
    monkeypatch.setitem(sys.modules, "nox", nox)
    monkeypatch.setenv("PIP_COMPILE", "0")  # which noxfile.py would set
    answers = {"describe": f"v{VERSION}\n", "status": status}
    session.run.side_effect = lambda command, *words, **_: answers.get(words[0])
    with monkeypatch.context() as patched:
        of = runpy.run_path(str(ROOT / "noxfile.py"))["release"]
        patched.setattr(Path, "read_text", lambda *_, **__: told)
        of(session)
