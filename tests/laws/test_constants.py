"""NumPy's arrays beside another library: constants where it takes them so, and numbers where 0-d (R1)."""

import numpy as np
import pytest

import xent
from tests.backends import Backend
from tests.cases import CASES, NAMED
from tests.near import assert_near, largest

LABELS = NAMED["cross_entropy-labels-logits"]
BRIEF = [
    c
    for c in CASES
    if str(c).startswith(("cross_entropy", "binary", "kl_divergence-target", "jensen"))
]


def arrays_in(given):
    return [name for name, x in given.items() if isinstance(x, np.ndarray)]


@pytest.mark.parametrize("backend", [Backend.JAX, Backend.DASK], ids=str)
@pytest.mark.parametrize("case", BRIEF, ids=str)
def test_numpys_arrays_are_constants(backend, case):
    """Whichever argument is the library's, the result is too."""
    given = {**case.arguments(seed=80), **case.options(seed=80)}
    want = case.both(**given)
    for name in arrays_in(given):
        mixed = {**given, name: backend.asarray(given[name])}
        for got, right in zip(case.both(**mixed), want, strict=True):
            assert backend.owns(got)
            assert_near(backend.numbers(got), np.asarray(right), scale=largest(np.asarray(right)))


@pytest.mark.parametrize("make", [np.asarray, np.float32, np.float64, np.float16])
def test_a_number_of_numpys_is_a_number(backend, make):
    given = {
        k: backend.asarray(x.astype(x.dtype.str.replace("f8", "f4")))
        for k, x in LABELS.arguments().items()
    }
    for name in ("denominator", "label_smoothing", "softcap", "z_loss", "base"):
        for number in (
            (make(0.5), np.asarray(2)) if name in ("denominator", "base") else (make(0.5),)
        ):
            got = LABELS.function(**given, **{name: number})
            want = LABELS.function(**given, **{name: float(number)})
            assert got.dtype == want.dtype == given["logits"].dtype
            assert_near(backend.numbers(got), backend.numbers(want))


def test_a_number_that_is_an_array_does_not_promote(backend):
    """The prediction's dtype decides (R12)."""
    given = {
        k: backend.asarray(x.astype(x.dtype.str.replace("f8", "f4")))
        for k, x in LABELS.arguments().items()
    }
    for name in ("denominator", "label_smoothing", "softcap", "z_loss", "base"):
        number = {name: backend.asarray(np.asarray(0.5))}
        got = xent.value_and_grad(LABELS.function)(**given, **number)
        want = xent.value_and_grad(LABELS.function)(**given, **{name: 0.5})
        for mine, right in zip(got, want, strict=True):
            assert mine.dtype == given["logits"].dtype
            assert_near(
                backend.numbers(mine),
                backend.numbers(right),
                4,
                scale=largest(backend.numbers(right)),
            )


def test_a_masked_array_is_refused(backend):
    """Its mask would be dropped."""
    given = LABELS.arguments() | {"sample_weight": np.ones(3), "class_weight": np.ones(4)}
    for name in given:
        masked = {k: backend.asarray(x) for k, x in given.items()}
        masked[name] = np.ma.masked_array(given[name], given[name] > 0)
        with pytest.raises(TypeError, match=f"{name} is numpy.ma.*mask would be lost.*where="):
            LABELS.function(**masked)
