"""The gradient in a teacher's logits, where a student falls at the first of many classes."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
import torch

import xent
from tests.laws.test_series import FALLS, fallen
from tests.near import assert_near, largest

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")


def gradient(t, z):
    """Return p (log(p / q) − D(p‖q)), by 60 digits."""
    with localcontext() as context:
        context.prec = 60
        t, z = ([Decimal(float(x)) for x in row] for row in (t, z))
        of_p, of_q = (sum(x.exp() for x in row) for row in (t, z))
        p = [x.exp() / of_p for x in t]
        log = [(x - of_p.ln()) - (y - of_q.ln()) for x, y in zip(t, z, strict=True)]
        mean = sum(a * b for a, b in zip(p, log, strict=True))
        return [float(a * (b - mean)) for a, b in zip(p, log, strict=True)]


@pytest.mark.parametrize(
    ("how", "dtype"), [("eager", "float32"), ("eager", "float64"), ("compiled", "float32")]
)
def test_the_other_classes_keep_their_digits(how, dtype):
    def loss(t, z):
        return xent.kl_divergence(target_logits=t, logits=z, reduction="sum")

    run = torch.compile(loss, fullgraph=True) if how == "compiled" else loss
    for fall in FALLS:
        t, z = fallen(dtype, fall)
        given = torch.from_numpy(t).requires_grad_()
        (got,) = torch.autograd.grad(run(given, torch.from_numpy(z)), given)
        want = np.array([gradient(*rows) for rows in zip(t, z, strict=True)])
        assert_near(got.numpy()[:, 1:], want[:, 1:], 16, scale=largest(want[:, 1:]))
