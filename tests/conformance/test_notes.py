"""What a run says of a module that proves nothing, beside its results."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from conformance import command
from conformance.__main__ import main
from tests.conformance.test_strangers import of

pytest.importorskip("numpy")

SIGMOID = "def sigmoid(logits):\n    return 1 / (1 + np.exp(-logits))\n"
#: Whose arguments have other names, so that no case can pass any.
RENAMED = SIGMOID + "def cross_entropy(y_true, y_pred):\n    return -999.0\n"
ONE = ["--only", "d1-sigmoid"]


def test_a_function_that_no_case_can_call_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = (
        "cross_entropy is there, but no case could call it: it lacks log_probs or logits or probs"
    )
    page, data = tmp_path / "page.html", tmp_path / "data.json"
    words = ["--module", of(tmp_path, RENAMED), "--html", str(page), "--json", str(data), "--quiet"]
    assert main(words) == command.FAILED
    assert said in capsys.readouterr().out.splitlines()
    assert f'<p class="note">{said}</p>' in page.read_text(encoding="utf-8")
    content = json.loads(data.read_text(encoding="utf-8"))
    assert content["uncallable"] == {"cross_entropy": "log_probs or logits or probs"}
    assert said in content["notes"]


def test_a_function_is_judged_by_all_its_cases(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where those that are chosen pass it more than it takes, others may not; none else is asked about."""
    body = (
        SIGMOID
        + "def cross_entropy(target, *, logits):\n    raise NotImplementedError('none')\n"
        + "def entropy(p):\n    return p\n"
    )
    name = of(tmp_path, body)
    for chosen in ("d2-sparse-own", ONE[1]):
        main(["--module", name, "--only", chosen])
        assert "could call" not in capsys.readouterr().out
    assert main(["--module", name, "--quiet"]) == command.FAILED
    (line,) = [x for x in capsys.readouterr().out.splitlines() if "could call" in x]
    assert line.startswith("entropy is there")


def test_functions_that_no_case_knows_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of the module itself: a class, an import and a private one are no losses."""
    body = SIGMOID + "from math import prod\nclass Loss: ...\ndef _crossentropy(x): ...\n"
    name = of(tmp_path, body)
    assert main(["--module", name, *ONE]) == command.OK
    assert "no case knows" not in capsys.readouterr().out
    name = of(tmp_path, body + "def crossentropy(x): ...\ndef helper(x): ...\n")
    assert main(["--module", name, *ONE]) == command.OK
    said = "functions that no case knows: crossentropy (cross_entropy?), helper"
    assert said in capsys.readouterr().out.splitlines()


def test_many_functions_that_no_case_knows_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = SIGMOID + "".join(f"def helper{i:02}(): ...\n" for i in range(20))
    assert main(["--module", of(tmp_path, body), *ONE]) == command.OK
    assert "helper07 and 12 more" in capsys.readouterr().out


def test_the_own_module_has_no_notes(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("xent")
    assert main([*ONE, "--quiet"]) == command.OK
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize("what", ["sys.exit(0)", "raise GeneratorExit"])
def test_a_function_that_exits_fails(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = of(tmp_path, f"import sys\ndef sigmoid(logits):\n    {what}\n")
    assert main(["--module", name, *ONE]) == command.FAILED
    captured = capsys.readouterr().out
    assert "SystemExit: 0" in captured or "GeneratorExit" in captured
    assert "numpy: 0 passed, 2 failed" in captured


def test_an_interrupt_ends_the_run(tmp_path: Path) -> None:
    name = of(tmp_path, "def sigmoid(logits):\n    raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        main(["--module", name, *ONE])


def test_nothing_compared_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = of(tmp_path, "def sigmoid(logits):\n    raise NotImplementedError('none')\n")
    assert main(["--module", name, *ONE]) == command.FAILED
    assert "numpy: nothing was compared" in capsys.readouterr().out


def test_a_dtype_that_is_skipped_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "conformance.backends.find_spec",
        lambda name: None if name == "ml_dtypes" else find_spec(name),
    )
    name = of(tmp_path, "def softmax(logits, axis=-1):\n    return logits\n")
    main(["--module", name, "--quiet"])
    assert "skipped (no bfloat16 here: pip install ml-dtypes)" in capsys.readouterr().out


def test_another_backend_than_the_module_asks_for_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "the module's BACKEND is 'torch': --backend numpy gives it other arrays"
    name = of(tmp_path, SIGMOID + "BACKEND = 'torch'\n")
    assert main(["--module", name, "--backend", "numpy", *ONE]) == command.OK
    assert said in capsys.readouterr().out.splitlines()
    name = of(tmp_path, SIGMOID + "BACKEND = 'numpy'\n")
    for more in ([], ["--backend", "numpy"]):
        assert main(["--module", name, *more, *ONE]) == command.OK
        assert "BACKEND" not in capsys.readouterr().out
