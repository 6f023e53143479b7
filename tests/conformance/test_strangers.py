"""Anybody's module through the suite: what is wrong turns it red, what is lacking does not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conformance import command, libraries
from conformance.__main__ import NEEDS, main
from conformance.adapters.functions import SUBJECTS, Functions
from conformance.adapters.peer import Peer
from conformance.case import case_files, load, read, write

pytest.importorskip("numpy")

#: By what is wrong with it, a module whose other functions are xent's, and cases that must see it.
WRONG = {
    "swapped argument": (
        "def chi_square_divergence(p, q, **options):\n"
        "    return xent.chi_square_divergence(q, p, **options)",
        "chi",
    ),
    "lost mask": (
        "def cross_entropy(target, probs=None, *, where=None, **options):\n"
        "    return xent.cross_entropy(target, probs, **options)",
        "masked",
    ),
    "lost weight": (
        "def cross_entropy(target, probs=None, *, sample_weight=None, **options):\n"
        "    return xent.cross_entropy(target, probs, **options)",
        "weight",
    ),
    "wrong base": (
        "def entropy(probs=None, *, base=None, **options):\n"
        "    return xent.entropy(probs, **options)",
        "entropy",
    ),
}


def of(folder: Path, body: str) -> str:
    path = folder / f"stranger_{abs(hash(body))}.py"
    path.write_text(f"import numpy as np\nimport xent\n{body}\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_fails(what: str, tmp_path: Path) -> None:
    pytest.importorskip("xent")
    body, cases = WRONG[what]
    right = re.sub(r"\*, (where|sample_weight|base)=None, ", "", body).replace("(q, p", "(p, q")
    assert main(["--module", of(tmp_path, right), "--only", cases, "--quiet"]) == command.OK
    assert main(["--module", of(tmp_path, body), "--only", cases, "--quiet"]) == command.FAILED


def test_what_is_lacking_is_absent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = """
def sparse_categorical_cross_entropy(labels, probs, *, reduction="mean"):
    if reduction == "none":
        raise NotImplementedError("one number only")
    return np.mean(-np.log(np.take_along_axis(probs, labels[..., None], -1)), dtype=probs.dtype)
"""
    page, data = tmp_path / "page.html", tmp_path / "data.json"
    arguments = ["--only", "d2-sparse-", "--html", str(page), "--json", str(data)]
    assert main(["--module", of(tmp_path, body), *arguments]) == command.OK
    assert re.search(r"0 failed, [1-9]\d* absent", capsys.readouterr().out)
    text = page.read_text(encoding="utf-8")
    assert "sparse_categorical_cross_entropy" in text
    assert "one number only" in text
    assert not re.search(r"(src|href)=\"(?!#)", text)  # nothing from elsewhere
    assert json.loads(data.read_text(encoding="utf-8"))["backends"]["numpy"]["summary"]["pass"]


@pytest.mark.parametrize(
    ("returned", "said"),
    {
        "value.tolist()": "the result is a builtins.list",
        "(value, None)": "the result is a builtins.tuple",
        "None": "the result is a builtins.NoneType",
        "value.astype(int)": "the result is int64, not float64",
        "value[None]": "the result has another shape",
    }.items(),
)
def test_what_is_no_array_of_the_kind_is_said(
    returned: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("xent")
    body = (
        f"def entropy(probs):\n    value = np.asarray(xent.entropy(probs))\n    return {returned}"
    )
    module = of(tmp_path, body)
    assert main(["--module", module, "--only", "entropy-certain", "--quiet"]) == command.FAILED
    assert f"    {said}\n" in capsys.readouterr().out


def test_page_shows_what_failed_first(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    body = "def cross_entropy(target, *, logits, reduction='mean'):\n    return logits[..., 0] * np.nan"
    arguments = ["--module", of(tmp_path, body), "--only", "certain-20", "--html", str(page)]
    assert main(arguments) == command.FAILED
    text = page.read_text(encoding="utf-8")
    assert '<details id="numpy-cross_entropy" open>' in text
    assert "digits near certainty" in text or "certain" in text
    assert text.index('class="fail"') < text.index("</details>")


def test_libraries_are_counted_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xent")
    pytest.importorskip("matplotlib")
    body = "def entropy(probs=None, *, base=None):\n    return xent.entropy(probs)"
    modules = {"xent": "xent", "mine": of(tmp_path, body)}
    monkeypatch.setattr(libraries, "MODULES", modules)
    monkeypatch.setitem(NEEDS, "libraries", ())
    records = [
        r for path in case_files() for r in read(path)["cases"] if r["function"] == "entropy"
    ]
    (tmp_path / "cases").mkdir()
    write(tmp_path / "cases" / "cases.json", {"cases": records})
    page = tmp_path / "page.html"
    options = ["--cases", str(tmp_path / "cases"), "--output", str(tmp_path), "--html", str(page)]
    assert main(["libraries", *options]) == command.OK
    content = json.loads((tmp_path / "libraries.json").read_text(encoding="utf-8"))
    assert set(content["xent"]["all"]) == {"pass"}
    assert set(content["mine"]["families"]["entropy"]) == {"pass", "fail", "absent"}
    assert (tmp_path / "libraries.png").stat().st_size > 5000
    assert 'id="mine-entropy" open' in page.read_text(encoding="utf-8")


#: By what is wrong with a module, what is in its file and what is said.
IMPOSSIBLE = {
    "syntax": ("def f(:\n", "SyntaxError: "),
    "raises": ("raise KeyError('a\\nb')", "KeyError: "),
    "exits": ("import sys; sys.exit()", "SystemExit"),
    "needs": ("import no_such_module", "No module named 'no_such_module'"),
    "empty": ("", "no function that a case calls"),
    "others": (
        "def nll_loss(input, target):\n    return 0.0",
        "no function that a case calls by xent's name, such as focal_loss; it has nll_loss",
    ),
}


def assert_refused(name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--backend", "numpy"], ["--backend", "numpy", "--processes", "2"]):
        assert main(["--module", name, *more, "--only", "d2-sparse"]) == command.UNKNOWN
        captured = capsys.readouterr()
        assert not captured.out
        (line,) = captured.err.splitlines()
        assert line.startswith(f"no implementation: {name!r} ")
        assert said in line


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_a_module_that_cannot_be(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body, said = IMPOSSIBLE[what]
    path = tmp_path / f"impossible_{what}.py"
    path.write_text(body, encoding="utf-8")
    assert_refused(str(path), said, capsys)


def test_no_such_module(capsys: pytest.CaptureFixture[str]) -> None:
    for name, said in {
        "no_such_module": "No module named",
        "no_such_file.py": "there is no such file",
        "math": "no function that a case calls",
        "": "ValueError: Empty module name",
        ".relative": "relative import",
    }.items():
        assert_refused(name, said, capsys)


def test_gradients_of_a_head_by_torch(tmp_path: Path) -> None:
    """A fused loss of another library, its gradients by its own autograd."""
    pytest.importorskip("torch")
    arguments = ["--only", "d1-linear-softmax", "--backend", "torch"]
    head = "import torch\nfrom conformance.gradients import of_torch as grad\n"
    body = """
def linear_cross_entropy(target, features, weight, bias=None, *, reduction="mean"):
    logits = features @ weight.T + (0 if bias is None else bias{wrong})
    return torch.nn.functional.cross_entropy(logits, target, reduction=reduction)
"""
    right, wrong = (head + body.replace("{wrong}", change) for change in ("", " * 2"))
    assert main(["--module", of(tmp_path, right), *arguments]) == command.OK
    assert main(["--module", of(tmp_path, wrong), *arguments]) == command.FAILED


def test_processes_share_the_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body, cases = WRONG["lost mask"]
    right, wrong = ["--only", "d2-sparse"], ["--module", of(tmp_path, body), "--only", cases]
    for words, status in ((right, command.OK), (wrong, command.FAILED)):
        said = []
        for count in ("1", "3"):
            assert main([*words, "--processes", count]) == status
            said.append(capsys.readouterr().out)
        assert said[0] == said[1]
        assert (" 0 failed" in said[0]) == (status == command.OK)
    with pytest.raises(SystemExit):
        main([*right, "--processes", "0"])


def test_some_cases_of_every_function_and_quantity() -> None:
    every = load()
    some = command.some(every, 4)
    assert command.some(every, 1) == every
    assert len(every) / 4 < len(some) < len(every) / 2
    assert some == [case for case in every if case in some]
    kinds = [{(case.function, case.quantity) for case in cases} for cases in (every, some)]
    assert kinds[0] == kinds[1]
    with pytest.raises(SystemExit):
        main(["--one-in", "0"])


def test_gradients_by_jax(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    body = """
import jax
from conformance.gradients import of_jax as grad
def linear_cross_entropy(target, features, weight, bias=None):
    rows = jax.nn.log_softmax(features @ weight.T + bias)
    return -jax.numpy.take_along_axis(rows, target[:, None], -1).mean()
"""
    arguments = ["--only", "d1-linear-softmax", "--backend", "jax", "--quiet"]
    assert main(["--module", of(tmp_path, body), *arguments]) == command.OK


def test_peer_as_a_module() -> None:
    """What an adapter says of a library is what its functions are called by."""
    import numpy as np

    peer = Peer("mine", "mine", {"KL, probs": lambda q, p: (p * np.log(p / q)).sum(-1)},
                lambda x, dtype: x.astype(dtype), np.asarray, None)  # fmt: skip
    functions = Functions(peer)
    p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    assert functions.kl_divergence(p, probs=q, reduction="none") == pytest.approx(
        [0.143841036], rel=1e-8
    )
    assert not hasattr(functions, "entropy")
    with pytest.raises(NotImplementedError):
        functions.kl_divergence(p, probs=q, reduction="none", base=2)


def test_subjects_are_those_of_the_accuracy_report() -> None:
    from conformance.accuracy.subjects import SUBJECTS as KNOWN

    assert {subject for calls in SUBJECTS.values() for subject in calls.values()} <= set(KNOWN)


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
def test_faults_are_found_and_counted(tmp_path: Path) -> None:
    """Without probes what no case finds is harmless."""
    record = next(
        r for path in case_files() for r in read(path)["cases"] if r["function"] == "focal_loss"
    )
    write(tmp_path / "cases.json", {"cases": [record]})
    options = [
        "--only",
        "_elementary",
        "--sample",
        "8",
        "--probes",
        "0",
        "--every",
        "--cases",
        str(tmp_path),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "conformance", "faults", *options],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Error" not in done.stderr, done.stderr
    assert re.search(r"^all +\d+ +0 +\d+$", done.stdout, re.MULTILINE), done.stdout
