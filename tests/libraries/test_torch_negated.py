"""Tensors whose sign is a flag, as that of a conjugate's imaginary part, are tensors as others."""

import pytest
import torch

from tests.cases import TRIED
from tests.libraries.test_torch_gradients import tensors
from xent.engines import bits
from xent.engines.torch import lent


def negated(x):
    """Return an equal tensor with the flag, which lies in steps of two."""
    return torch.complex(torch.zeros_like(x), -x).conj().imag


def negated_in_a_row(x):
    """Return one that NumPy may be lent."""
    return torch._neg_view(-x)


@pytest.mark.parametrize(("lends", "flagged"), [(0, negated), (lent.BYTES, negated_in_a_row)])
@pytest.mark.parametrize("case", TRIED, ids=str)
def test_every_loss_takes_what_is_negated_by_a_flag(case, lends, flagged, monkeypatch):
    """A choice by bits too, though every condition were large and mixed."""
    monkeypatch.setattr(lent, "BYTES", lends)
    monkeypatch.setattr(bits, "MANY", 0)
    monkeypatch.setattr(bits, "is_mixed", lambda count, size: True)
    given, _ = tensors(case, {})
    given = {k: x.float() if x.is_floating_point() else x for k, x in given.items()}
    same = {k: flagged(x) if x.is_floating_point() else x for k, x in given.items()}
    assert any(x.is_neg() for x in same.values())
    torch.testing.assert_close(case.function(**same), case.function(**given), rtol=0, atol=0)
