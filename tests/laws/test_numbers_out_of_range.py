"""An array that is a number, out of its range, is told where its value can be read, as a plain one is."""

import numpy as np
import pytest

from tests.laws.own_numbers import EVERY_ONE, loss_with
from tests.laws.test_operands import numbers_of

OWN = {}
for _case, _name in EVERY_ONE:
    OWN.setdefault(_case, []).append(_name)


def names_of(case):
    """Return the numbers that a case takes; a denominator is an operand, with rules of its own."""
    return [name for name in (*numbers_of(case), *OWN.get(case, ())) if name != "denominator"]


@pytest.mark.cases(of=lambda case: bool(names_of(case)))
def test_an_array_out_of_range_is_told(backend, case):
    """NaN, which is in no range."""
    if backend.is_lazy or backend.library in ("cupy", "torch-cuda", "jax-cuda"):
        pytest.skip("its values are not waited for")
    given = case.arguments(seed=63)
    for name in names_of(case):
        for x in (np.asarray(np.nan), np.asarray(np.nan, "f4")):
            with pytest.raises(ValueError, match=rf"^{name} is nan; it takes "):
                backend.run(loss_with(case, name), **given, **{name: x})
