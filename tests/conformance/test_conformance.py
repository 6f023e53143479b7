"""The conformance cases on every library that is installed, and the suite that holds them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import conformance.command as command
from conformance.__main__ import main
from conformance.arguments import mapped
from conformance.backends import BACKENDS, missing
from conformance.call import TRANSFORMS
from conformance.case import FOLDER, MANIFEST, Case, case_files, load, read, write
from conformance.exact import FORMATS, error_in_ulp, nearest
from conformance.printed import complaint
from conformance.runner import FAIL, PASS, SKIP, run

CASES = load()
RUNS = [
    pytest.param(case, dtype, id=f"{case.id}-{dtype}") for case in CASES for dtype in case.dtypes
]
READINGS = {"rounded", "float64", "float32", "exact", "wrong"}


@pytest.mark.parametrize("name", missing())
def test_library_is_installed(name: str) -> None:
    """A library that is not installed is skipped by its name, not silently."""
    pytest.skip(f"{BACKENDS[name].package} is not installed")


@pytest.mark.parametrize(("case", "dtype"), RUNS)
def test_case(case: Case, dtype: str) -> None:
    """On NumPy; each library has a session of its own for it, `conformance-…`."""
    xent = pytest.importorskip("xent")
    outcome = run(case, xent, BACKENDS["numpy"], dtype)
    if outcome.status == SKIP:
        pytest.skip(outcome.message)
    assert outcome.status == PASS, f"{outcome.message}: {outcome.got} for {case.expected}"


def test_ids_are_unique() -> None:
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case_is_complete(case: Case) -> None:
    assert set(case.provenance) == {"document", "section", "text"}
    assert all(case.provenance.values())
    assert case.raises or set(case.expected) == set(case.dtypes)
    assert case.quantity in ("value", *TRANSFORMS)
    for printed in case.printed:
        assert printed.reading in READINGS
        assert printed.reason or printed.reading in ("rounded", "exact")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_inputs_are_the_doubles_nearest_to_the_decimals(case: Case) -> None:
    for argument in case.arguments.values():
        if "decimal" in argument:
            assert mapped(argument["decimal"], _double) == mapped(argument["hex"], _same)


def _double(text: str) -> str:
    return float(Fraction(text) if "/" in text else text).hex()


def _same(text: str) -> str:
    return float.fromhex(text).hex()


@pytest.mark.parametrize("case", [case for case in CASES if case.printed], ids=lambda case: case.id)
def test_exact_value_agrees_with_the_document(case: Case) -> None:
    for printed in case.printed:
        value: Any = case.expected["float32" if printed.reading == "float32" else "float64"]
        for index in printed.at:
            value = value[index]
        assert complaint(printed, Fraction(value), 0) is None


def test_every_printed_number_is_claimed() -> None:
    by_id = {
        record["id"]: json.dumps(record, ensure_ascii=False)
        for path in case_files()
        for record in read(path)["cases"]
    }
    for entry in read(FOLDER / MANIFEST)["literals"]:
        assert entry.get("cases") or entry.get("reason"), entry
        for name in entry.get("cases", ()):
            literal = re.escape(entry["literal"])
            assert re.search(rf"(?<![\w.]){literal}(?![\d/%])", by_id[name]), entry


@pytest.mark.parametrize("path", case_files(), ids=lambda path: path.stem)
def test_oracle_computes_the_stored_digits(path: Path) -> None:
    """At twice the precision: the digits stored do not depend on how many were computed."""
    pytest.importorskip("mpmath")
    from conformance.oracle import completed
    from conformance.reference import DIGITS

    for record in read(path)["cases"]:
        assert completed(record, 2 * DIGITS) == record


def _deeper(value: Any, change: Callable[[str], Any]) -> Any:
    """Change the first element of a nested list."""
    return [_deeper(value[0], change), *value[1:]] if isinstance(value, list) else change(value)


CORRUPTIONS = {
    "d1-cross-p-q2": lambda text: str(Fraction(text) * (1 + Fraction(1, 10**14))),
    "d1-information-certain": lambda text: "-0",
    "kl-infinite": lambda text: "1e300",
    "certain-20": lambda text: "±0",
    "no-limit-cross": lambda text: "inf",
    "d1-softmax-gradient-labels": lambda text: f"-{text}",
    "d2-distribution-no": lambda truth: not truth,
    "masked-labels": lambda text: [text],
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corrupted_value_fails(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = _record(name)
    write(tmp_path / "cases.json", {"cases": [record]})
    arguments = ["run", "--cases", str(tmp_path), "--backend", "numpy"]
    assert main(arguments) == command.OK
    record["expected"]["float64"] = _deeper(record["expected"]["float64"], CORRUPTIONS[name])
    write(tmp_path / "cases.json", {"cases": [record]})
    assert main(arguments) == command.FAILED
    assert "1 failed" in capsys.readouterr().out


def test_corrupted_print_fails(tmp_path: Path) -> None:
    record = _record("d2-sparse-mean")
    record["printed"][0]["text"] = "0.8892045040413971"
    write(tmp_path / "cases.json", {"cases": [record]})
    assert main(["--cases", str(tmp_path)]) == command.FAILED


def _record(name: str) -> dict[str, Any]:
    (record,) = [
        record for path in case_files() for record in read(path)["cases"] if record["id"] == name
    ]
    return dict(record)


@pytest.mark.parametrize("name", ["tensorfield", "cupy"])
def test_unknown_backend(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "installed", lambda: ["numpy", "strict"])
    assert main(["--backend", name]) == command.UNKNOWN
    assert "available: numpy, strict, all" in capsys.readouterr().err


def test_json_is_well_formed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "outcomes.json"
    assert main(["--only", "d2-sparse-mean", "--json", str(path)]) == command.OK
    line = capsys.readouterr().out
    assert "numpy: 2 passed, 0 failed; worst " in line
    assert " ULP allowed (d2-" in line
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["implementation"] == "xent"
    assert content["backends"]["numpy"]["summary"] == {"pass": 2}
    first = content["backends"]["numpy"]["cases"][0]
    assert first["expected"].startswith("0.88920450404139")
    assert first["provenance"]["document"] == "D2"


def test_all_names_what_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "installed", lambda: ["numpy"])
    monkeypatch.setattr(command, "missing", lambda: ["cupy"])
    assert main(["--backend", "all", "--only", "d2-sparse-mean"]) == command.OK
    assert "not installed: cupy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return 0.8892045040413961", "the result is a builtins.float"),
        ("return np.float16(0.8892045)", "the result is float16, not float"),
        ("return np.asarray([0.8892045], dtype=probs.dtype)", "another shape"),
        ("raise KeyError('labels')", "KeyError: 'labels'"),
    ],
)
def test_another_implementation(
    body: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = f"stand_in_{abs(hash(body))}"
    source = f"import numpy as np\ndef sparse_categorical_cross_entropy(t, probs):\n    {body}\n"
    (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["--only", "d2-sparse-", "--implementation", name]) == command.FAILED
    output = capsys.readouterr().out
    assert message in output
    assert "absent" in output


def test_flushed_subnormal_is_accepted_where_the_library_flushes() -> None:
    (case,) = [case for case in CASES if case.id == "certain-subnormal"]
    flat = replace(BACKENDS["numpy"], flushes=True)
    stand_in = type("StandIn", (), {"cross_entropy": staticmethod(_nothing)})
    assert run(case, stand_in, flat, "float32").status == PASS
    assert run(case, stand_in, BACKENDS["numpy"], "float32").status == FAIL
    assert run(case, stand_in, flat, "float64").status == FAIL


def _nothing(target: Any, *, logits: Any, reduction: str) -> Any:
    return logits[:, 0] * 0


def test_ulp() -> None:
    double, single = FORMATS["float64"], FORMATS["float32"]
    assert error_in_ulp(1 + 2**-52, "1", double) == 1
    assert error_in_ulp(1 + 2**-23, "1", single) == 1
    assert error_in_ulp(5e-324, "1e-323", double) is not None
    assert error_in_ulp(0.0, "-0", double) is None
    assert error_in_ulp(-0.0, "±0", double) == 0
    assert error_in_ulp(float("nan"), "1", double) is None
    assert error_in_ulp(float("inf"), "1e39", single) == 0
    assert error_in_ulp(-float("inf"), "-1e310", double) == 0
    assert error_in_ulp(1.0, "1e310", double) is None


@pytest.mark.parametrize("name", ["float16", "float32"])
def test_rounding_is_that_of_the_format(name: str) -> None:
    np = pytest.importorskip("numpy")
    for value in (0.1, 1 / 3, 6e-8, 1e-42, 65519.0, 65504.0, 1 + 2**-11, 1 + 3 * 2**-11):
        assert nearest(Fraction(value), FORMATS[name]) == float(np.dtype(name).type(value))
