"""The gradient in a teacher's logits, where one class alone is another to the student."""

import numpy as np
import pytest
import torch

import xent
from tests.laws.two_rows import FALLS, TOWERS, fallen, teacher_gradient
from tests.near import assert_near, largest

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
HOW = pytest.mark.parametrize(
    ("how", "dtype"), [("eager", "float32"), ("eager", "float64"), ("compiled", "float32")]
)


def loss(t, z):
    return xent.kl_divergence(target_logits=t, logits=z, reduction="sum")


def both(how, t, z):
    """Return the gradient by torch, and that by 80 digits."""
    run = torch.compile(loss, fullgraph=True) if how == "compiled" else loss
    given = torch.from_numpy(t).requires_grad_()
    (got,) = torch.autograd.grad(run(given, torch.from_numpy(z)), given)
    return got.numpy(), np.array([teacher_gradient(*rows) for rows in zip(t, z, strict=True)])


@HOW
def test_the_other_classes_keep_their_digits_beside_a_fall(how, dtype):
    for fall in FALLS[1:]:
        got, want = (x[:, 1:] for x in both(how, *fallen(dtype, fall)))
        assert_near(got, want, 16, scale=largest(want))


@HOW
def test_every_class_keeps_its_digits_beside_a_tower(how, dtype):
    got, want = both(how, *np.asarray(TOWERS, dtype).swapaxes(0, 1))
    assert_near(got, want, 16)
