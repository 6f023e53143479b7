"""A large array, which engines cut into blocks of rows, is as its rows one by one."""

import numpy as np
import pytest

import xent
from tests.backends import Backend
from tests.cases import CASES, NAMED
from tests.memory import peak
from tests.near import assert_near, assert_same_there, largest
from xent.engines import blocks
from xent.engines.numpy import engine

SHAPES = [((7,), 5), ((2, 5), 3), ((3, 2, 2), 4)]


@pytest.fixture(params=[1, 64, 200])
def small_blocks(request, monkeypatch):
    """Blocks of so few bytes that a small array takes many."""
    monkeypatch.setattr(blocks, "BLOCK", request.param)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.cases(slow=lambda case: False)
def test_blocks_are_the_whole(backend, case, monkeypatch):
    for rows, classes in SHAPES:
        given = case.arguments(seed=39, rows=rows, classes=classes)
        options = case.options(seed=39, rows=rows, classes=classes)
        for extra in ({}, options):
            value, gradient = backend.run(case.both, **given, **extra)
            with monkeypatch.context() as patch:
                patch.setattr(blocks, "BLOCK", 1 << 18)
                wanted, wanted_gradient = backend.run(case.both, **given, **extra)
            assert_near(value, wanted, 8)
            assert_near(gradient, wanted_gradient, 8, scale=largest(wanted_gradient))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.cases(of=lambda case: not case.elementwise, slow=lambda case: False)
@pytest.mark.parametrize("axis", [0, 1])
def test_blocks_along_any_axis(backend, case, axis):
    given = case.arguments(seed=40, rows=(5, 3), classes=4)
    moved = {k: np.moveaxis(x, -1, axis) if x.ndim == 3 else x for k, x in given.items()}
    value, gradient = backend.run(case.both, **moved, axis=axis)
    wanted, wanted_gradient = Backend.NUMPY.run(case.both, **given)
    assert_near(value, np.moveaxis(wanted, -1, axis) if case.keeps_shape else wanted)
    assert_near(np.moveaxis(gradient, axis, -1), wanted_gradient, scale=largest(wanted_gradient))


def test_small_blocks_are_many(monkeypatch):
    """Or else the tests above would hold nothing."""
    cut, seen = blocks.cut, []
    monkeypatch.setattr(blocks, "cut", lambda *args: seen.append(args) or cut(*args))
    monkeypatch.setattr(blocks, "BLOCK", 64)
    case = NAMED["cross_entropy-labels-logits"]
    case.both(**case.arguments(rows=(5,), classes=4))
    assert len(seen) >= 3


def assert_row_by_row(backend, case, rows, classes):
    given = case.arguments(seed=41, rows=(rows,), classes=classes)
    value, gradient = backend.run(case.both, **given, **case.each)
    for i in (0, 4, rows - 1):
        alone = backend.run(case.both, **{k: x[i : i + 1] for k, x in given.items()}, **case.each)
        for got, want in zip((value[i : i + 1], gradient[i : i + 1]), alone, strict=True):
            assert_same_there(backend, got, want)


@pytest.mark.parametrize("case", [c for c in CASES if c.has_rows], ids=str)
def test_an_array_of_several_blocks_is_its_rows_one_by_one(case, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 1 << 13)
    assert_row_by_row(Backend.NUMPY, case, 9, (1 << 10) + 1)


@pytest.mark.cases(of=lambda case: str(case) in REAL, slow=lambda case: False)
def test_blocks_of_their_real_size(backend, case):
    assert_row_by_row(backend, case, 9, blocks.BLOCK // 4 + 1)


@pytest.mark.parametrize("classes", [*range(2, 18), 31, 32, 33])
@pytest.mark.parametrize("case", [c for c in CASES if c.has_rows and not c.elementwise], ids=str)
def test_short_rows_are_each_as_alone(case, classes):
    """NumPy computes many class by class, and adds in the order in which it adds along one row."""
    assert_row_by_row(Backend.NUMPY, case, engine.MANY // classes + 1, classes)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "shape", [(engine.MANY // 4, 4), (2, engine.MANY // 20 + 1, 10), (1, 5), (4, 40)]
)
def test_a_gradient_lies_as_the_logits(shape, order):
    logits = np.asarray(np.random.default_rng(42).normal(size=shape), order=order)
    labels = np.zeros(shape[:-1], int)
    assert xent.grad(xent.cross_entropy)(labels, logits=logits).strides == logits.strides


def test_a_gradient_of_a_strided_array_is_made_once():
    wide = np.zeros((2000, 2 * 4000), np.float32)
    logits, labels = wide[:, ::2], np.zeros(2000, int)
    most = peak(xent.grad(xent.cross_entropy), labels, logits=logits)
    assert most < 2000 * 4000 * logits.itemsize + 8 * blocks.BLOCK


REAL = ("cross_entropy-labels-logits", "cross_entropy-distributions-probs")
