"""A parameter annotated ``int`` is a count, by which a formula may loop: part of what is compiled."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

import xent
from tests.laws.checked import each_library, here
from xent.kernels import labels
from xent.testing import check


@dataclass(frozen=True)
class Taylor(labels.FromLogits):
    """a Σ pᵏ / k for k from 1 to ``terms``, p = 1 − q_y: a number among the fields, and a count."""

    terms: int
    a: float = 1.0

    def value(self, xp, s):
        p = -xp.expm1(-super().value(xp, s))
        total = p / self.terms
        for k in range(self.terms - 1, 0, -1):
            total = total * p + p / k
        return self.a * total

    def gradient(self, xp, logits, label, s, made, w, axis):
        c = super().value(xp, s)
        p, total = -xp.expm1(-c), xp.ones_like(c)
        for _ in range(self.terms - 1):
            total = total * p + 1
        w = w * (self.a * (xp.exp(-c) * total))
        return super().gradient(xp, logits, label, s, made, w, axis)


@xent.loss(xent.LikelihoodOptions)
def taylor(target, *, logits, order=2, a=1.0, **options):
    """Return the Taylor cross entropy (Feng et al., 2020)."""
    kernels = {"logits": Taylor(order, a)}
    return xent.Call(target, {"logits": logits}, kernels, options=options, only="labels")


def textbook(t, q, order=2, a=1.0):
    p = 1 - np.sum(t * q, axis=-1)
    return a * sum(p**k / k for k in range(1, order + 1))


@each_library
def test_a_loss_with_a_count_holds(backend):
    """What the laws ask of numbers is asked of the number beside it."""
    check(taylor, textbook, parameters=[{"order": 3, "a": 0.5}], libraries=here(backend))


def test_each_count_has_its_values(backend):
    """One after another, the first again at last; whole numbers of NumPy are as Python's."""
    z, y = np.random.default_rng(0).normal(size=(4, 3)), np.asarray([0, 1, 2, 0])
    q = np.exp(z) / np.sum(np.exp(z), axis=-1, keepdims=True)
    for order in (2, 5, np.int64(3), 1, 2):
        of_rows = partial(taylor, order=order, reduction="none")
        got = backend.run(of_rows, target=y, logits=z)
        np.testing.assert_allclose(got, textbook(np.eye(3)[y], q, order), rtol=1e-14)


def test_what_is_no_count_is_told_after_a_call_with_an_equal_one(backend):
    z, y = np.random.default_rng(0).normal(size=(4, 3)), np.asarray([0, 1, 2, 0])
    for count, others in ((2, (2.0, np.float64(2.0))), (1, (1.0, True))):
        backend.run(partial(taylor, order=count), target=y, logits=z)
        for other in others:
            with pytest.raises(TypeError, match=r"terms is .*; it takes a whole number"):
                backend.run(partial(taylor, order=other), target=y, logits=z)


def test_a_compiler_makes_a_program_of_each_count(backend):
    """In JAX a count is static, and said to be where it is traced."""
    z, y = np.random.default_rng(0).normal(size=(4, 3)), np.asarray([0, 1, 2, 0])
    wanted = [taylor(y, logits=z, order=order) for order in (2, 3, 4, 2)]
    if backend.library == "torch":
        import torch

        make = torch.compile(taylor, fullgraph=True, backend="aot_eager")
    elif backend.library.startswith("jax"):
        import jax

        make = jax.jit(taylor, static_argnames="order")
        with pytest.raises(TypeError, match=r"terms is .*; it takes a whole number"):
            jax.jit(taylor)(y, logits=z, order=2)
    else:
        pytest.skip(f"{backend} has no compiler")
    for order, value in zip((2, 3, 4, 2), wanted, strict=True):
        got = backend.run(partial(make, order=order), target=y, logits=z)
        np.testing.assert_allclose(got, value, rtol=1e-14)
