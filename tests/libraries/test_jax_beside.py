"""Values beside a loss in JAX: autodiff follows both log-probability and entropy."""

import jax

import xent
from tests.backends import Backend
from tests.linear.test_log_probs import COTANGENT, HEAD, LABELS, WAYS, hold, truth


def test_jax_follows_both():
    _, gradients, _ = truth(WAYS["masked"])

    def loss(*head):
        log_prob, entropy = xent.linear_log_probs(LABELS, *head, **WAYS["masked"])
        return (COTANGENT[0] * log_prob).sum() + (COTANGENT[1] * entropy).sum()

    hold(Backend.JAX, jax.jit(jax.grad(loss, (0, 1, 2)))(*HEAD.values()), gradients)
