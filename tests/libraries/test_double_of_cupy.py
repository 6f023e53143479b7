"""CuPy's engine on a double of CuPy: as exact as NumPy's, and it never waits for the device."""

import sys
from types import SimpleNamespace

import array_api_compat
import numpy as np
import pytest

import xent
from benchmarks.counts.cupy_double import installed, metered
from tests.backends import Backend, converted
from tests.cases import CASES, NAMED
from tests.laws import test_overrides
from tests.laws.parts import CLASSES, UNEVEN, given_parts, merged, of_rows, parts_of
from tests.laws.verbs import DTYPES
from tests.linear.test_laws import EVERY, OPTIONS, TARGETS, names
from tests.linear.textbook import head
from tests.near import assert_near, largest
from xent.engines import blocks

ODD = [
    [0.5, np.inf, -1.0, 2.0],
    [-np.inf] * 4,
    [-np.inf, 2.0, -3.0, -np.inf],
    [1.0, np.nan, 0.5, 3],
]


@pytest.fixture
def cupy():
    with installed() as double:
        yield double


def numbers(x):
    """Return what is in arrays of the double."""
    return tuple(map(numbers, x)) if isinstance(x, tuple) else x.get()


def run(cupy, function, given):
    """Return what a function of arrays on the device returns, which it must not wait for."""
    there = converted(given, cupy.asarray)
    with metered() as meter:
        made = function(**there)
    assert meter.waits == 0
    return numbers(made)


def assert_numpys(cupy, case, given):
    """Hold value and gradient to be NumPy's, and nothing to wait."""
    want, slope = Backend.NUMPY.run(case.both, **given)
    value, g = run(cupy, case.both, given)
    assert_near(run(cupy, case.function, given), want)
    assert_near(value, want)
    assert_near(g, slope, scale=largest(slope))


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_every_loss_is_numpys(cupy, case, weighed, dtype):
    given = case.arguments(rows=(7,), classes=5)
    if weighed:
        given |= case.options(rows=(7,), classes=5)
    assert_numpys(cupy, case, given | {case.form: given[case.form].astype(dtype)})


@pytest.mark.parametrize("case", CASES, ids=str)
def test_second_derivatives_are_numpys(cupy, case):
    given = case.arguments() | case.options()
    for function, more in (
        (xent.hvp(case.function), {"tangent": np.cos(given[case.form])}),
        (xent.grad_and_hessian_diagonal(case.function), {}),
    ):
        want = np.asarray(function(**given, **more))
        got = np.asarray(run(cupy, function, given | more))
        assert_near(
            got, want, scale=np.max(np.abs(want), initial=np.max(np.abs(case.grad(**given))))
        )


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("rows", [(), (2, 3)])
def test_rows_along_any_number_of_axes(cupy, case, rows):
    assert_numpys(cupy, case, case.arguments(rows=rows))


@pytest.mark.parametrize("name", ["cross_entropy-labels-logits", "cross_entropy-labels-probs"])
def test_each_option_of_labels(cupy, name):
    case = NAMED[name]
    for option, value in case.options().items():
        assert_numpys(cupy, case, case.arguments() | {option: value})


@pytest.mark.parametrize("name", [str(c) for c in CASES if c.form == "logits"])
def test_infinite_logits(cupy, name):
    case = NAMED[name]
    given = case.arguments(rows=(4,)) | {"logits": np.asarray(ODD)}
    want = Backend.NUMPY.run(case.both, **given, **case.each)
    got = run(cupy, case.both, given | case.each)
    for here, there in zip(got, want, strict=True):
        assert_near(here, there)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_a_label_that_is_no_class_along_any_axis(cupy, axis):
    labels = np.asarray([[0, 3, -1], [4, 2, 100], [1, 1, -5]])
    z = np.random.default_rng(1).normal(size=(3, 3, 4))
    given = {"target": labels, "logits": np.moveaxis(z, -1, axis), "axis": axis}
    case = NAMED["cross_entropy-labels-logits"]
    rows, g = run(cupy, case.both, given | {"reduction": "none"})
    inside = (labels >= 0) & (labels < 4)
    want = np.log(np.exp(z).sum(-1)) - np.take_along_axis(z, labels[..., None] % 4, -1)[..., 0]
    assert_near(rows, np.where(inside, want, np.nan))
    slope = np.exp(z) / np.exp(z).sum(-1, keepdims=True) - (np.arange(4) == labels[..., None])
    slope[~inside] = np.nan
    assert_near(np.moveaxis(g, axis, -1), slope)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("options", [*OPTIONS, {**EVERY, "reduction": "none"}], ids=names)
def test_linear_heads(cupy, target, options):
    given = {"target": TARGETS[target], **head(), **options}
    function = xent.value_and_grad(xent.linear_cross_entropy)
    want, slopes = Backend.NUMPY.run(function, **given)
    value, gradients = run(cupy, function, given)
    assert_near(value, want)
    for g, slope in zip(gradients, slopes, strict=True):
        assert_near(g, slope, scale=np.max(np.abs(slope)))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_blocks_of_bounded_memory(cupy, case, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 64)
    monkeypatch.setattr(blocks, "DEVICE_BLOCK", 64)
    assert_numpys(cupy, case, case.arguments(rows=(7,)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_its_verbs_are_the_plain_ones(cupy, dtype):
    device = SimpleNamespace(
        library="cupy", is_lazy=False, asarray=cupy.asarray, numbers=lambda x: x.get()
    )
    test_overrides.check(device, dtype)


def test_an_array_is_neither_written_to_nor_another_library_s(cupy):
    z, y = cupy.asarray(np.ones((2, 3))), cupy.asarray(np.asarray([0, 1]))
    value, g = xent.value_and_grad(xent.cross_entropy)(y, logits=z)
    assert type(value) is type(g) is cupy.ndarray
    assert np.array_equal(z.get(), np.ones((2, 3)))
    with pytest.raises(TypeError, match="cupy"):
        xent.cross_entropy(np.asarray([0, 1]), logits=z)


def test_what_cannot_be_fused_runs_by_itself_and_is_said_once(cupy):
    class Spread(xent.Kernel):
        """max z − min z, of which two methods ask for a shape."""

        def measure(self, xp, z, target, axis):
            return xp.max(z, axis=axis, keepdims=True) - xp.min(z, axis=axis, keepdims=True), None

        def whole(self, xp, s):
            return s * s.shape[-1]

        def value(self, xp, s):
            return s * s.shape[-1]

        def gradient(self, xp, z, target, s, made, w, axis):
            return w * (z - z)

    @xent.loss(xent.LikelihoodOptions)
    def spread(target, *, logits, **options):
        return xent.Call(target, {"logits": logits}, {"logits": Spread()}, options=options)

    given = {"target": np.asarray([0, 1]), "logits": np.asarray([[1.0, 3.0], [0.0, 4.0]])}
    with pytest.warns(RuntimeWarning, match="operation by operation.* cupy.fuse failed") as said:
        value, _ = run(cupy, xent.value_and_grad(spread), given)
    assert (value, len(said)) == (3.0, 1)
    assert run(cupy, spread, given) == 3.0


def test_the_double_sees_a_wait(cupy):
    x = cupy.asarray(np.ones(3))
    clip = array_api_compat.array_namespace(x).clip  # which indexes by a mask
    for call in (lambda: clip(x, 0.0, 1.0), lambda: bool(x[0] > 0), lambda: cupy.nonzero(x)):
        with metered() as meter:
            call()
        assert meter.waits > 0


def test_the_double_goes_again():
    names = ("cupy", "xent.engines.cupy", "array_api_compat.cupy")
    before = [sys.modules.get(name) for name in names]
    with installed() as double:
        assert sys.modules["cupy"] is double
    assert [sys.modules.get(name) for name in names] == before


@pytest.mark.parametrize("case", [case for case in CASES if of_rows(case)], ids=str)
def test_parts_are_numpys_and_nothing_waits(cupy, case):
    given = case.arguments(classes=CLASSES) | case.options(classes=CLASSES)
    there = [converted(some, cupy.asarray) for some in given_parts(case, given, UNEVEN)]
    with metered() as meter:
        wholes = merged([xent.part(case.function)(**some) for some in there])
        both = [whole.value_and_gradient() for whole in wholes]
    assert meter.waits == 0
    wanted = [whole.value_and_gradient() for whole in merged(parts_of(Backend.NUMPY, case, given))]
    for (value, g), (want, slope) in zip(both, wanted, strict=True):
        assert_near(numbers(value), want)
        assert_near(numbers(g), slope, scale=largest(slope))
