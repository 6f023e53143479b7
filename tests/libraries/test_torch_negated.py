"""Tensors whose sign is a flag, as that of a conjugate's imaginary part, are tensors as others."""

import pytest
import torch

from tests.cases import TRIED
from tests.libraries.test_torch_gradients import tensors
from xent.engines import bits


def negated(x):
    """Return an equal tensor with the flag."""
    made = torch.complex(torch.zeros_like(x), -x).conj().imag
    assert made.is_neg()
    return made


@pytest.mark.parametrize("case", TRIED, ids=str)
def test_every_loss_takes_what_is_negated_by_a_flag(case, monkeypatch):
    """A choice by bits too, though every condition were large and mixed."""
    monkeypatch.setattr(bits, "MANY", 0)
    monkeypatch.setattr(bits, "is_mixed", lambda count, size: True)
    given, _ = tensors(case, {})
    given = {k: x.float() if x.is_floating_point() else x for k, x in given.items()}
    same = {k: negated(x) if x.is_floating_point() else x for k, x in given.items()}
    torch.testing.assert_close(case.function(**same), case.function(**given), rtol=0, atol=0)
