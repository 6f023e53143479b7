"""Every goal on every library, on the quick families; the ratchet; a wrong formula fails."""

import json
from dataclasses import replace

import pytest

from conformance import adapters
from conformance.__main__ import main
from conformance.accuracy import command, record
from conformance.accuracy.measure import of_peer, of_xent
from conformance.accuracy.problem import problems
from conformance.accuracy.run import QUICK_SCOPE
from conformance.accuracy.subjects import SUBJECTS
from conformance.accuracy.ways import WAYS
from xent.kernels import labels

# torch.compile costs seconds for each function: `python -m conformance accuracy` has it.
HERE = [way for name, way in WAYS.items() if way.is_here() and name != "torch-compiled"]
STORED = record.read(record.path_of(QUICK_SCOPE.name))


def _lines(way, name):
    for dtype in QUICK_SCOPE.dtypes:
        if QUICK_SCOPE.includes(way.name, dtype):
            for problem in problems(SUBJECTS[name], dtype, QUICK_SCOPE.size):
                yield from of_xent(way, problem)


@pytest.mark.parametrize("backend", HERE, ids=lambda way: way.name)
@pytest.mark.parametrize("name", SUBJECTS)
def test_goals(name, backend):
    lines = list(_lines(backend, name))
    assert lines or not backend.measures(SUBJECTS[name])
    assert not record.misses(lines)
    if STORED is not None and record.holds_here(STORED):
        worse, _ = record.compare(STORED, lines)
        assert not worse


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", SUBJECTS)
def test_goals_in_half_precision(name, dtype):
    lines = [
        line
        for problem in problems(SUBJECTS[name], dtype, QUICK_SCOPE.size)
        for line in of_xent(WAYS["numpy"], problem)
    ]
    assert not record.misses(lines)


CE, KL = "cross entropy, labels, logits", "KL, probs"
#: A subject, the function of `xent` that is spoilt, and how its result is changed.
CORRUPTIONS = {
    "log1m by log": ("BCE, probs", "kernels.binary.log1m", lambda xp, p: xp.log(1 - p)),
    "no tail": (KL, "_series.odd_tail", lambda xp, r: r * r / 3),
    "sigmoid overflows": ("sigmoid", "kernels.links._sigmoid", lambda xp, z: 1 / (1 + xp.exp(-z))),
    "no limits": ("log_softmax", "_math.limited", lambda xp, s: s.rest),
    "no zero": ("entropy, probs", "_math.scaled", lambda xp, w, x: w * x),
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_a_wrong_formula_fails(corruption, monkeypatch):
    name, function, wrong = CORRUPTIONS[corruption]
    monkeypatch.setattr(f"xent.{function}", wrong)
    assert record.misses(_lines(WAYS["numpy"], name))


class Textbook(labels.FromLogits):
    """The formula of other libraries, log Σ exp z − z_y, in the place of the loss's value."""

    def value(self, xp, s):
        peak = xp.maximum(s.peak, s.label)
        total = s.rest * xp.exp(s.peak - peak) + xp.exp(s.label - peak)
        return peak + xp.log(total) - s.label


def test_a_wrong_kernel_fails(monkeypatch):
    monkeypatch.setitem(labels.KERNELS, "logits", Textbook())
    missed = record.misses(_lines(WAYS["numpy"], CE))
    assert any("nearly certain" in text for text in missed)


@pytest.fixture
def lines():
    return list(_lines(WAYS["numpy"], "JS"))


def test_worse_than_recorded_is_found_and_better_is_said(lines, tmp_path):
    path = tmp_path / "record.json"
    record.write(path, lines)
    stored = record.read(path)
    assert record.holds_here(stored)
    assert record.compare(stored, lines) == ([], [])
    line = max(lines, key=lambda line: line.worst)
    changed = [replace(line, worst=line.worst * 1.1), replace(line, worst=line.worst / 2)]
    worse, better = record.compare(stored, changed)
    assert (len(worse), len(better)) == (1, 1)


def test_a_record_of_another_machine_does_not_hold_here(lines, tmp_path):
    path = tmp_path / "record.json"
    record.write(path, lines)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["processor"] = "another"
    assert not record.holds_here(content)


def test_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(record, "FOLDER", tmp_path / "recorded")
    words = ["accuracy", "--quick", "--backend", "numpy", "--only", "cross entropy, labels, logits"]
    assert main([*words, "--peers", "--update"]) == command.OK
    assert main([*words, "--peers", "--output", str(tmp_path)]) == command.OK
    assert "goals: 0 missed; record: 0 worse" in capsys.readouterr().out
    assert {path.suffix for path in tmp_path.glob("accuracy.*")} == {".json", ".md", ".png"}
    content = json.loads((tmp_path / "accuracy.json").read_text(encoding="utf-8"))
    assert {line["library"] for line in content["lines"]} == {"xent numpy"}


@pytest.mark.parametrize("words", [["--backend", "tensorfield"], ["--peers", "tensorfield"]])
def test_unknown_library(words, capsys):
    assert main(["accuracy", *words]) == command.UNKNOWN
    assert "tensorfield" in capsys.readouterr().err


@pytest.mark.parametrize("peer", [name for name in adapters.MODULES if not adapters.missing(name)])
def test_a_peer_is_called_on_the_same_rows(peer):
    """And every function that an adapter has is one that is measured."""
    library = adapters.load(peer)
    assert set(library.functions) <= set(SUBJECTS)
    (problem, *_) = problems(
        SUBJECTS["BCE, logits" if peer == "sklearn" else CE], "float32", QUICK_SCOPE.size
    )
    found = list(of_peer(library, problem))
    assert {line.family for line in found} == {part.family for part in problem.parts}
    (uniform,) = [x for x in found if (x.family, x.quantity) == ("uniform", "value")]
    assert uniform.worst < 100
