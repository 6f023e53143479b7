"""A command line that is wrong is refused before anything is run; what a command needs is said first."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from conformance import command, entry
from conformance.__main__ import COMMANDS, NEEDS, main
from conformance.case import case_files, read, write
from tests.conformance.test_strangers import of

pytest.importorskip("numpy")


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return what is said of a wrong command line, before anything is run."""
    with pytest.raises(SystemExit) as stop:
        main(words)
    captured = capsys.readouterr()
    assert stop.value.code == command.UNKNOWN
    assert not captured.out
    return captured.err.splitlines()[-1]


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_what_cannot_be_written_is_said_first(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = of(tmp_path, "def sigmoid(logits):\n    raise KeyboardInterrupt\n")
    for path in (tmp_path / "no" / "x", tmp_path):
        said = refused(["--module", name, option, str(path)], capsys)
        assert f"argument {option}: can't write '{path}'" in said


def test_a_folder_that_cannot_be_made_is_said_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "folder"
    for name in ("libraries", "accuracy"):
        _needed(name)
        assert "argument --output: can't write" in refused([name, "--output", str(path)], capsys)


def test_nothing_chosen_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    said = "error: --only 'nothing': no case has it in its id"
    assert said in refused(["--only", "nothing"], capsys)


@pytest.mark.parametrize("name", ["accuracy", "faults"])
def test_nothing_measured_is_wrong_usage(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    _needed(name)
    assert "error: --only 'nothing': " in refused([name, "--only", "nothing"], capsys)


@pytest.mark.parametrize("name", ["run", "oracle", "faults", "libraries"])
def test_no_cases_are_wrong_usage(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _needed(name)
    for path, said in ((tmp_path / "none", "there is no folder"), (tmp_path, "no case files in")):
        assert f"{said} '{path}'" in refused([name, "--cases", str(path)], capsys)


def _needed(name: str) -> None:
    for package in NEEDS.get(name, ()):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


@pytest.mark.parametrize("name", NEEDS)
def test_what_a_command_needs_is_said(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry, "find_spec", lambda package: None)
    monkeypatch.setattr(entry, "import_module", pytest.fail)
    assert main([name]) == command.UNKNOWN
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith(f"{name} needs packages that are not here: pip install ")
    assert not captured.out


def test_what_is_needed_is_in_an_extra() -> None:
    """Under the names that pip knows; xent, which other modules need not be compared with, is in none."""
    path = Path(entry.__file__).with_name("pyproject.toml")
    extras = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for name, packages in NEEDS.items():
        wanted = {entry.PACKAGES.get(package, package) for package in packages}
        offered = set(extras.get(name, ()))
        if "cross-entropy-conformance[accuracy]" in offered:
            offered = offered - {"cross-entropy-conformance[accuracy]"} | set(extras["accuracy"])
        assert wanted - {"array-api-xent"} == offered


def test_what_a_library_as_a_module_needs_is_said() -> None:
    """In a process of its own, in which flint is not to be found."""
    pytest.importorskip("scipy")
    words = ["--module", "conformance.adapters.scipy_special"]
    body = f"import sys; sys.modules['flint'] = None; from conformance.__main__ import main; main({words})"
    done = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True, check=False)
    assert done.stderr.endswith("pip install python-flint\n"), done.stderr


def test_what_a_command_needs_is_all_of_it() -> None:
    """No file in the folder of a command imports at its top, of all that commands need, what this lacks."""
    home = Path(entry.__file__).parent
    for name, folder in {"oracle": "reference", "accuracy": "accuracy", "faults": "faults"}.items():
        trees = [ast.parse(x.read_text(encoding="utf-8")) for x in (home / folder).glob("*.py")]
        tops = [node for tree in trees for node in tree.body]
        imported = {_imported(node) for node in tops} & set().union(*NEEDS.values())
        assert imported <= {*NEEDS[name]}
    assert set(NEEDS) <= set(COMMANDS)


def _imported(node: ast.stmt) -> str:
    if isinstance(node, ast.ImportFrom):
        return str(node.module).partition(".")[0]
    return node.names[0].name.partition(".")[0] if isinstance(node, ast.Import) else ""


def test_the_oracle_says_that_the_values_stand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mpmath")
    record = next(
        r for path in case_files() for r in read(path)["cases"] if r["id"] == "d1-sigmoid"
    )
    write(tmp_path / "cases.json", {"cases": [record]})
    for more, said in (([], "stand"), (["--write"], "are written")):
        assert main(["oracle", "--cases", str(tmp_path), *more]) == command.OK
        assert capsys.readouterr().out == f"the values {said} (cases: 1, files: 1)\n"
