"""Keras's losses, computed by xent on its backends JAX, torch and NumPy.

Each class inherits from Keras's of its name: arguments, defaults, reductions, sample weights and masks
are Keras's own. What a row costs is not: nothing is clipped at 1e-7, and probabilities are not divided by
their sum. So a cost may be infinite; a sample weight of 0 makes that NaN, as Keras multiplies the two.

Examples
--------
>>> import numpy as np
>>> from xent.nn.keras import CategoricalCrossentropy
>>> loss = CategoricalCrossentropy(from_logits=True)
>>> print(f"{float(loss(np.asarray([[1.0, 0.0]]), np.asarray([[16.0, 0.0]]))):.6g}")
1.12535e-07
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xent
from xent._check import labels, names, structure, values
from xent._check.words import in_words
from xent._typing import Array

with names.needed("keras", by=__name__):
    import keras
    from keras import ops
    from keras.src.backend import set_keras_mask  # how its losses say that a row doesn't count

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "KLDivergence",
    "SparseCategoricalCrossentropy",
]

_WORDS = {
    **dict.fromkeys(("probs", "logits"), "y_pred"),
    "target": "y_true",
    "ignore_index": "ignore_class",
    structure.CAST: "give the loss a floating dtype",
    labels.ROUNDED: "labels go to SparseCategoricalCrossentropy",
    labels.ONE_HOT: "one-hot rows go to CategoricalCrossentropy",
    labels.OF_SOFT: "CategoricalCrossentropy",
    values.LEFT_OUT: "rows are left out by ignore_class=, of a loss that has it",
    values.LOGITS: "logits go with from_logits=True, of a loss that has it",
    values.OF_ELEMENTS: "softmax or sigmoid makes them of logits; labels -1 and 1 are (y + 1) / 2",
    values.OF_LOGITS: "softmax or sigmoid makes them of logits",
}
"""What a phrase of an error is in Keras's losses."""

if keras.backend.backend() not in ("jax", "numpy", "torch"):
    raise ImportError(
        "xent.nn.keras runs on Keras's backends jax, numpy and torch; the arrays of "
        f"{keras.backend.backend()} do not follow the array API standard. KERAS_BACKEND chooses one "
        "before Keras is imported"
    )


class _Symbols(keras.Operation):
    """A cost of rows as an operation on Keras's symbols."""

    def __init__(self, cost: Callable[..., Array], axis: int | None) -> None:
        super().__init__()
        self.call, self.axis = cost, axis

    def compute_output_spec(self, y_true: Any, y_pred: Any) -> Any:
        shape = list(y_pred.shape)
        if self.axis is not None:
            del shape[self.axis]
        return keras.KerasTensor(tuple(shape), dtype=y_pred.dtype)


def _rows(
    loss: Callable[..., Array],
    y_true: Array,
    y_pred: Array,
    axis: int | None,
    from_logits: bool = False,
    **options: Any,
) -> Array:
    """Return what each row costs, or each element where there is no axis."""
    form = "logits" if from_logits else "probs"
    if axis is not None:
        options["axis"] = axis

    def cost(y_true: Array, y_pred: Array) -> Array:
        given = {form: y_pred, "reduction": "none", **options}
        return in_words(_WORDS, loss, y_true, **given)

    symbols = any(isinstance(x, keras.KerasTensor) for x in (y_true, y_pred))
    return (_Symbols(cost, axis) if symbols else cost)(y_true, y_pred)


def _categorical(y_true: Array, y_pred: Array, axis: int, **options: Any) -> Array:
    return _rows(xent.categorical_cross_entropy, y_true, y_pred, axis, **options)


_EXACT = {"bfloat16": 2**8, "float16": 2**11}
"""The largest label that survives Keras's cast to the dtype of the loss."""


def _sparse(
    y_true: Array, y_pred: Array, axis: int, from_logits: bool, ignore_class: int | None
) -> Array:
    axis = structure.axis_of("y_pred", y_pred, axis)
    dtype, classes = keras.backend.standardize_dtype(y_true.dtype), y_pred.shape[axis] or 0
    if classes > _EXACT.get(dtype, classes) + 1:
        raise ValueError(
            f"Keras rounds labels of {classes} classes to {dtype}; give the loss dtype='float32'"
        )
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis=axis)
    labels = ops.cast(y_true, "int32")
    loss = xent.sparse_categorical_cross_entropy
    rows = _rows(loss, labels, y_pred, axis, from_logits, ignore_index=ignore_class)
    if ignore_class is not None:
        set_keras_mask(rows, ops.not_equal(labels, ignore_class))
    return rows


def _binary(y_true: Array, y_pred: Array, axis: int, **options: Any) -> Array:
    return ops.mean(_rows(xent.binary_cross_entropy, y_true, y_pred, None, **options), axis=axis)


def _divergence(y_true: Array, y_pred: Array) -> Array:
    return _rows(xent.kl_divergence, y_true, y_pred, -1)


def _instead(function: Callable[..., Array]) -> property:
    """Return what holds ``function`` where Keras's own constructor puts its function of the rows."""
    return property(lambda self: function, lambda self, own: None)


_register = keras.saving.register_keras_serializable(package="xent")


@_register
class CategoricalCrossentropy(keras.losses.CategoricalCrossentropy):
    """`xent.categorical_cross_entropy`, as `keras.losses.CategoricalCrossentropy`."""

    fn = _instead(_categorical)


@_register
class SparseCategoricalCrossentropy(keras.losses.SparseCategoricalCrossentropy):
    """`xent.sparse_categorical_cross_entropy`, as `keras.losses.SparseCategoricalCrossentropy`."""

    fn = _instead(_sparse)

    def get_config(self) -> dict[str, Any]:
        """Return Keras's, and the axis, which it leaves out."""
        return {**super().get_config(), "axis": self._fn_kwargs["axis"]}


@_register
class BinaryCrossentropy(keras.losses.BinaryCrossentropy):
    """`xent.binary_cross_entropy`, its mean along an axis, as `keras.losses.BinaryCrossentropy`."""

    fn = _instead(_binary)


@_register
class KLDivergence(keras.losses.KLDivergence):
    """`xent.kl_divergence`, as `keras.losses.KLDivergence`."""

    fn = _instead(_divergence)
