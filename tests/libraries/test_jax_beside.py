"""Values beside a loss in JAX: autodiff follows both log-probability and entropy."""

import jax
import jax.numpy as jnp
import numpy as np

import xent
from tests.backends import Backend
from tests.linear.test_log_probs import COTANGENT, HEAD, LABELS, WAYS, hold, truth
from tests.near import assert_near, assert_zero


def test_jax_follows_both():
    _, gradients, _ = truth(WAYS["masked"])

    def loss(*head):
        log_prob, entropy = xent.linear_log_probs(LABELS, *head, **WAYS["masked"])
        return (COTANGENT[0] * log_prob).sum() + (COTANGENT[1] * entropy).sum()

    hold(Backend.JAX, jax.jit(jax.grad(loss, (0, 1, 2)))(*HEAD.values()), gradients)


def test_metrics_are_constants_whatever_the_gradient_is_of():
    """Of a target that is a distribution too: accuracy has a derivative in it, which is not asked for."""
    target, logits = jnp.asarray([[0.25, 0.5, 0.25]]), jnp.asarray([[0.5, 1.5, -1.0]])
    logged = xent.with_metrics(xent.cross_entropy)
    got = jax.grad(lambda t: logged(t, logits=logits)[0])(target)
    want = jax.grad(lambda t: xent.cross_entropy(t, logits=logits))(target)
    assert_near(np.asarray(got), np.asarray(want), 4)
    nothing = jax.grad(lambda t: logged(t, logits=logits)[1].accuracy)(target)
    assert_zero(np.asarray(nothing))
