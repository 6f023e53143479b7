"""The oracles agree, and are right where the formulas that come to mind are not."""

import math

import numpy as np
import pytest

from conformance.accuracy import balls, digits, formulas, formulas_mass
from conformance.accuracy.exact import errors, exact
from conformance.accuracy.inputs import Size
from conformance.accuracy.problem import batches
from conformance.accuracy.subjects import SUBJECTS
from conformance.reference.number import mp

FEW = Size(3, ())


def _as_mp(number):
    if isinstance(number, float):
        return mp.mpf(number)
    return mp.ldexp(mp.mpf(number[0]), number[1])


def _pairs(subject, columns):
    """Yield (by balls, by mpmath) of every number of a row."""
    classes = list(zip(*(column.tolist() for column in columns), strict=True))
    certified = balls.certain(subject.formula, classes, [1] * len(classes))
    for mine, other in zip(certified, digits.row(subject, columns), strict=True):
        yield from zip(mine, other, strict=True)


@pytest.mark.parametrize("name", SUBJECTS)
def test_two_oracles_agree(name):
    subject = SUBJECTS[name]
    seen = 0
    for batch in batches(subject.kind, FEW, "float64", 7):
        for rows in zip(*(column[:3] for column in batch.columns), strict=True):
            parts = (
                [(x[k : k + 1] for x in rows) for k in range(3)] if subject.elementwise else [rows]
            )
            for part in parts:
                seen += _compared(subject, batch.family, list(part))
    assert seen > 100 or subject.elementwise


def _compared(subject, family, columns):
    count = 0
    with mp.workdps(80):
        for mine, other in _pairs(subject, columns):
            if mp.isnan(other) or (isinstance(mine, float) and math.isnan(mine)):
                continue  # without a limit, or without a derivative in one of the tables
            if mp.isinf(other) or (isinstance(mine, float) and math.isinf(mine)):
                assert _as_mp(mine) == other, (family, columns)
            else:
                assert digits.agree(_as_mp(mine), other, 49), (family, columns, mine, other)
            count += 1
    return count


def _value(formula, *columns):
    found, _ = balls.rows(formula, [np.array([column], dtype=float) for column in columns])
    return found[0]


def test_a_loss_of_1e_300_is_not_0():
    loss = _value(formulas.smoothed(0), [0, -690], [1, 0])
    assert loss.nearest() == pytest.approx(math.exp(-690), rel=1e-15)
    with mp.workdps(100):  # what 100 digits make of it by log Σ exp z − z_y
        assert mp.log(1 + mp.exp(-690)) - 0 == 0


def test_a_divergence_of_1e_300_is_not_0():
    got = _value(formulas.smoothed(0), [0, -690, -690], [1, 0, 0]).nearest()
    assert got == pytest.approx(2 * math.exp(-690), rel=1e-15)
    got = _value(formulas_mass.kl_logits, [0, 0, -691], [0, 0, -690]).nearest()
    a, b = math.exp(-690) / 2, math.exp(-691) / 2
    assert got == pytest.approx(b - a + a, rel=1e-14)


def test_near_equal_distributions():
    unit = 2.0**-52
    got = _value(formulas_mass.kl_probs, [0.5 + unit, 0.5 - unit], [0.5, 0.5]).nearest()
    assert got == pytest.approx(2 * unit**2, rel=1e-15)
    assert 0.5 * math.log(0.5 / (0.5 + unit)) + 0.5 * math.log(0.5 / (0.5 - unit)) <= 0


def test_a_zero_is_certified():
    _, slopes = balls.rows(formulas.smoothed(0), [np.zeros((1, 3)), np.full((1, 3), 0.25)])
    assert not slopes.ordinary.any()
    equal = np.array([[1.0, 2.5, -3.0]])
    value, _ = balls.rows(formulas_mass.kl_logits, [equal + 0.25, equal])
    assert not value.ordinary.any()


def test_errors_below_an_ulp_and_beyond_the_range():
    third = exact([(-(2**300) // 3, -300), (1, -1100), (1, 2000), 0.0, math.inf, math.nan])
    got = np.array([-1 / 3, 0.0, math.inf, 0.0, math.inf, math.nan])
    found = errors(got, third, "float64")
    assert found.ulp[0] == pytest.approx(1 / 3, rel=1e-9)
    assert found.ulp[1] == 2.0**-26
    assert not found.special.any()
    found = errors(np.array([math.nan, 1.0, 5e-324, 1.0, 0.0, 0.0]), third, "float64")
    assert found.special.tolist() == [True, False, True, True, True, True]
    assert found.ulp[1] == math.inf
