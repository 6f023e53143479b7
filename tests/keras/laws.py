"""Losses are Keras's own, but for what it clips; run by `test_backends.py`."""

import re
from itertools import product

import keras
import numpy as np
import pytest
from keras import ops

import xent.nn.keras as ours

BACKEND = keras.backend.backend()
NAMES = (
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "KLDivergence",
    "SparseCategoricalCrossentropy",
)
REDUCTIONS = ("sum_over_batch_size", "mean_with_sample_weight", "sum", None)
FORMS = list(product(REDUCTIONS, (False, True)))
DRAW = np.random.default_rng(5)


def softmax(z):
    return (np.exp(z) / np.exp(z).sum(-1, keepdims=True)).astype(np.float32)


Z = DRAW.normal(size=(2, 3, 4)).astype(np.float32)
T, Q = softmax(DRAW.normal(size=Z.shape)), softmax(Z)
LABELS = np.asarray([[0, 3, 1], [2, 2, 0]])
ROWS = DRAW.random((2, 3)).astype(np.float32)


def numbers(x):
    return np.asarray(ops.convert_to_numpy(x))


def test_public_names():
    assert set(ours.__all__) == set(NAMES)
    own = {k for k, x in vars(ours).items() if getattr(x, "__module__", "") == ours.__name__}
    assert {name for name in own if not name.startswith("_")} == set(NAMES)


def pair(name, **options):
    """Return Keras's own loss and ours, which has been written down and read again."""
    loss = keras.losses.deserialize(keras.losses.serialize(getattr(ours, name)(**options)))
    assert type(loss) is getattr(ours, name)
    return getattr(keras.losses, name)(**options), loss


def assert_same(losses, *given, **options):
    with np.errstate(invalid="ignore"):  # of what Keras's own makes of a row that is ignored
        wanted, got = (numbers(loss(*given, **options)) for loss in losses)
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(got, wanted, rtol=2e-6)


@pytest.mark.parametrize(("reduction", "logits"), FORMS)
def test_distributions(reduction, logits):
    given = {"reduction": reduction, "from_logits": logits}
    for weight, smoothing in product((None, ROWS, ROWS[:, :1]), (0.0, 0.1)):
        given["label_smoothing"] = smoothing
        for name in ("BinaryCrossentropy", "CategoricalCrossentropy"):
            assert_same(pair(name, **given), T, Z if logits else Q, sample_weight=weight)
        assert_same(pair("KLDivergence", reduction=reduction), T, Q, sample_weight=weight)


@pytest.mark.parametrize(("reduction", "logits"), FORMS)
def test_labels(reduction, logits):
    for ignored, weight in product((None, 2, -1), (None, ROWS)):
        labels = np.where(LABELS == 3, -1, LABELS) if ignored == -1 else LABELS
        losses = pair(
            "SparseCategoricalCrossentropy",
            reduction=reduction,
            from_logits=logits,
            ignore_class=ignored,
        )
        for given in (labels, labels[..., None]) if weight is None else (labels.astype(float),):
            assert_same(losses, given, Z if logits else Q, sample_weight=weight)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_binary_targets_of_one_axis_less(reduction):
    target, prediction = np.asarray([0, 1, 1]), np.asarray([[0.5], [0.25], [0.75]])
    for y, h in ((target, prediction), (target[:, None], prediction[:, 0])):
        assert_same(pair("BinaryCrossentropy", reduction=reduction), y, h)


@pytest.mark.parametrize("name", NAMES)
def test_variables_and_symbols(name):
    loss = getattr(ours, name)(reduction=None)
    target = LABELS[0] if name.startswith("Sparse") else T[0]
    wanted = numbers(loss(target, Q[0]))
    variable = keras.Variable(Q[0])
    np.testing.assert_array_equal(numbers(loss(target, variable)), wanted)
    symbols = keras.Input(target.shape[1:]), keras.Input((4,))
    rows = loss(*symbols)
    assert rows.shape == (None,)
    model = keras.Model(symbols, rows)
    np.testing.assert_allclose(numbers(model([target, Q[0]])), wanted, rtol=1e-6)


def test_nothing_is_clipped():
    far = np.asarray([[20.0, 0.0]])
    loss = ours.CategoricalCrossentropy(from_logits=True)
    assert numbers(loss(np.asarray([[1.0, 0.0]]), far)) == pytest.approx(
        np.exp(-20), rel=1e-6, abs=0
    )
    sure = np.asarray([[1.0, 0.0]])
    for name in ("CategoricalCrossentropy", "BinaryCrossentropy", "KLDivergence"):
        assert np.isinf(numbers(getattr(ours, name)()(sure[:, ::-1], sure)))
        assert numbers(getattr(ours, name)()(sure, sure)) == 0


def test_the_axis_is_kept():
    loss = pair("SparseCategoricalCrossentropy", axis=1)[1]
    moved = numbers(loss(LABELS, np.moveaxis(Q, -1, 1)))
    np.testing.assert_allclose(moved, numbers(pair("SparseCategoricalCrossentropy")[1](LABELS, Q)))


def test_labels_that_keras_has_rounded_are_refused():
    loss = ours.SparseCategoricalCrossentropy(from_logits=True, dtype="bfloat16")
    with pytest.raises(ValueError, match="give the loss dtype='float32'"):
        loss(np.asarray([299]), np.zeros((1, 400)))


FOREIGN = r"target|probs|logits=,|where=|ignore_index|cross_entropy|Keras"
"""Names that the functions have, and Keras's losses don't."""


def test_errors_say_what_keras_says():
    over, labels = 2 + Q[0], LABELS[0]
    sparse, from_logits = "SparseCategoricalCrossentropy", {"from_logits": True}
    for name in NAMES:
        target = labels if name == sparse else T[0]
        assert_refused(name, {}, target, over, r"^y_pred holds .* from_logits=True")
        assert_refused(name, {}, target[:2], Q[0], r"^y_true .*\(2,.* y_pred")
        if name != sparse:
            assert_refused(name, {}, over, Q[0], "^y_true holds .*softmax or sigmoid makes them")
    assert_refused(sparse, from_logits, labels + 4, Z[0], "^y_true holds label .* ignore_class=")
    assert_refused(sparse, {"ignore_class": "a"}, labels, Q[0], "^ignore_class is 'a'")
    assert_refused(sparse, {"axis": 3}, labels, Q[0], "^axis 3 is out of range for y_pred of shape")
    assert_refused(
        "CategoricalCrossentropy", {}, labels, Q[0], "go to SparseCategoricalCrossentropy"
    )
    assert_refused(sparse, {}, T[0], Q[0], "^y_true .* go to CategoricalCrossentropy")
    whole = {"dtype": "int32"}
    assert_refused("KLDivergence", whole, T[0], Q[0], "^y_pred has dtype int32; .*floating dtype$")


def assert_refused(name, options, target, prediction, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        getattr(ours, name)(**options)(target, prediction)
    assert not re.search(FOREIGN, str(caught.value))


@pytest.mark.skipif(BACKEND == "numpy", reason="Keras fits nothing on NumPy")
def test_a_model_is_fitted_and_saved(tmp_path):
    x = DRAW.normal(size=(64, 4)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)
    histories = []
    for losses in (ours, keras.losses):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        loss = losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("sgd", loss=loss)
        fitted = model.fit(x, y, epochs=3, verbose=0, shuffle=False)
        histories.append(fitted.history["loss"])
        if losses is ours:
            model.save(tmp_path / "model.keras")
            again = keras.saving.load_model(tmp_path / "model.keras")
            assert type(again.loss) is type(loss)
            wanted = model.evaluate(x, y, verbose=0)
            assert again.evaluate(x, y, verbose=0) == pytest.approx(wanted, rel=1e-6, abs=0)
    assert histories[0] == pytest.approx(histories[1], rel=1e-5, abs=0)
    assert histories[0][-1] < histories[0][0]
