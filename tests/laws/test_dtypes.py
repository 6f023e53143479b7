"""Library, device and dtype of what is returned (R1, R12)."""

import ml_dtypes
import numpy as np
import pytest

import xent
from tests.backends import Backend
from tests.near import assert_near, assert_same, largest

DTYPES = {
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "float32": np.float32,
    "float64": np.float64,
}
HALF = ("float16", "bfloat16")
LOSS = {"float16": "float32", "bfloat16": "float32"}


def is_main(case):
    return case.form in ("logits", "q") and case.loss in (
        "cross_entropy",
        "kl_divergence",
        "softmax",
    )


def cast(given, dtype, names=None):
    """Return the floating arguments in another dtype."""
    kept = (lambda k: True) if names is None else (lambda k: k in names)
    return {
        k: x.astype(DTYPES[dtype]) if kept(k) and x.dtype.kind == "f" else x
        for k, x in given.items()
    }


@pytest.fixture(params=DTYPES)
def dtype(request):
    return request.param


@pytest.fixture(params=HALF)
def half(request):
    return request.param


def need(backend, dtype):
    if not backend.has(dtype):
        pytest.skip(f"{backend.library} has no {dtype}")


@pytest.mark.cases(slow=is_main)
def test_library_and_dtype_are_kept(any_backend, case, dtype):
    need(any_backend, dtype)
    given = cast(case.arguments(), dtype)
    value, gradient = any_backend.call(case.both, **given, **case.each)
    assert any_backend.owns(value)
    assert any_backend.owns(gradient)
    assert any_backend.dtype_of(gradient) == dtype
    assert any_backend.dtype_of(value) == (dtype if case.is_link else LOSS.get(dtype, dtype))


@pytest.mark.cases(slow=is_main)
def test_a_reduced_value_is_an_array_of_the_library(backend, case, dtype):
    need(backend, dtype)
    value = backend.call(case.function, **cast(case.arguments(), dtype))
    assert backend.owns(value)
    assert backend.dtype_of(value) == (dtype if case.is_link else LOSS.get(dtype, dtype))


@pytest.mark.cases(of=lambda case: case.takes("z_loss"), slow=is_main)
def test_the_gradients_of_a_loss_and_its_penalty_are_rounded_once(backend, case, half):
    need(backend, half)
    given = cast(case.arguments(rows=(64,), classes=9), half)
    wide = cast(given, "float32")
    for options in ({"z_loss": 1e-3}, {"z_loss": 1e-3, "sample_weight": np.ones(64)}):
        got, want = (backend.run(case.grad, **x, **options) for x in (given, wide))
        assert_same(got, want.astype(DTYPES[half]))


def test_the_gradients_of_two_values_are_rounded_once(backend, half):
    need(backend, half)
    draw = np.random.default_rng(0)
    given = cast({"logits": draw.normal(size=(64, 9))}, half)
    ws = draw.normal(size=(2, 64)).astype(np.float32)

    def pulled(target, logits, w, v):
        return xent.vjp(xent.log_probs)(target, logits=logits, cotangent=(w, v))[1]

    target = draw.integers(0, 9, 64)
    got, want = (
        backend.run(pulled, target=target, **x, w=ws[0], v=ws[1])
        for x in (given, cast(given, "float32"))
    )
    assert_same(got, want.astype(DTYPES[half]))


@pytest.mark.cases(slow=is_main)
def test_half_precision_is_computed_in_float32_and_rounded_once(backend, case, half):
    need(backend, half)
    given = cast(case.arguments(), half)
    value, gradient = backend.run(case.both, **given)
    wide, wide_gradient = backend.run(case.both, **cast(given, "float32"))
    assert_near(value, wide.astype(value.dtype), 1)
    rounded = wide_gradient.astype(DTYPES[half])
    assert_near(gradient, rounded, 1, scale=largest(rounded))


@pytest.mark.cases(of=lambda case: case.target is not None and case.kind != "labels", slow=is_main)
def test_a_target_of_another_dtype_does_not_promote(backend, case):
    others = {"float64": "float32", "float32": "float64", "float16": "float64"}
    for of_prediction, of_target in others.items():
        if not backend.has(of_prediction):
            continue
        given = cast(case.arguments(), of_target, {case.target})
        given = cast(given, of_prediction, {case.form})
        value, gradient = backend.call(case.both, **given)
        assert backend.dtype_of(value) == LOSS.get(of_prediction, of_prediction)
        assert backend.dtype_of(gradient) == of_prediction


@pytest.mark.cases(of=lambda case: case.takes("sample_weight"), slow=is_main)
def test_weights_of_another_dtype_do_not_promote(backend, case):
    options = {k: x for k, x in case.options().items() if isinstance(x, np.ndarray)}
    for of_weights in ("float64", "int32"):
        weights = {
            k: x if x.dtype == bool else x.astype(of_weights) + 1 for k, x in options.items()
        }
        value, gradient = backend.call(case.both, **cast(case.arguments(), "float32"), **weights)
        assert backend.dtype_of(value) == backend.dtype_of(gradient) == "float32"


@pytest.mark.parametrize("of_target", ["bool", "int8", "int64", "uint8", "float32"])
def test_a_binary_target_may_be_bool_or_integer(backend, of_target):
    z, y = np.asarray([1.0, -2.0, 0.5]), np.asarray([1, 0, 1])
    wanted = backend.run(xent.value_and_grad(xent.binary_cross_entropy), target=y * 1.0, logits=z)
    got = backend.run(
        xent.value_and_grad(xent.binary_cross_entropy), target=y.astype(of_target), logits=z
    )
    for a, b in zip(got, wanted, strict=True):
        assert_same(a, b)


def test_functions_that_are_no_losses_keep_library_and_dtype(backend, dtype):
    need(backend, dtype)
    p = np.asarray([[0.5, 0.25, 0.25]], DTYPES[dtype])
    for function, given, wanted in (
        (xent.self_information, {"p": p}, LOSS.get(dtype, dtype)),
        (xent.likelihood, {"target": np.asarray([1]), "probs": p}, LOSS.get(dtype, dtype)),
        (xent.softmax_jacobian, {"logits": p}, dtype),
        (xent.smooth_labels, {"target": p, "smoothing": 0.5}, dtype),
        (xent.is_distribution, {"p": p}, "bool"),
    ):
        got = backend.call(function, **given)
        assert backend.owns(got)
        assert backend.dtype_of(got) == wanted


def test_one_hot_is_of_the_default_float_or_of_a_dtype_that_is_asked_for(backend):
    labels = np.asarray([1, 0, 2])
    got = backend.call(xent.one_hot, labels=labels, num_classes=3)
    assert backend.owns(got)
    default = {"torch": "float32"}.get(backend.library.partition("-")[0], "float64")
    assert backend.dtype_of(got) == default
    assert_same(backend.numbers(got), np.eye(3, dtype=default)[labels])


def test_sequences_become_arrays_of_the_others_library(backend):
    z = np.asarray([[1.0, 2.0], [0.5, -1.0]])
    wanted = backend.run(xent.cross_entropy, target=np.asarray([0, 1]), logits=z)
    got = backend.call(
        xent.cross_entropy, target=[0, 1], logits=z, sample_weight=[1.0, 1.0], class_weight=(1, 1)
    )
    assert backend.owns(got)
    assert_near(backend.numbers(got), wanted, 4)


def test_sequences_alone_are_numpys():
    value = xent.cross_entropy([0, 1], [[0.5, 0.5], [0.25, 0.75]])
    assert Backend.NUMPY.owns(value)
    assert value.dtype == np.float64


def test_a_sequence_of_floats_is_as_precise_as_the_prediction(backend):
    third = 1 / 3
    for dtype in ("float32", "float64"):
        q = np.asarray([[0.25, 0.75]], dtype)
        listed = backend.run(xent.cross_entropy, target=[[third, 1 - third]], probs=q)
        t = np.asarray([[third, 1 - third]], dtype)
        assert_same(listed, backend.run(xent.cross_entropy, target=t, probs=q))
