"""A network of flax's NNX on handwritten digits, stepped by optax: `xent`'s losses beside optax's own.

    h = max(0, W₁x + b₁)        z = W₂h + b₂        L = mean of log Σⱼ exp zⱼ − z_y

The loss is of the logits, or of the head, whose kernel and bias it takes as they are: the logits are then
never stored. `nnx.value_and_grad` differentiates, and the three curves are the same.

    python examples/flax_nnx.py

needs flax, optax and scikit-learn.
"""

import argparse

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.datasets import load_digits
from tqdm import tqdm

import xent

HIDDEN, RATE, MOMENTUM = 32, 0.1, 0.9


class Network(nnx.Module):
    """Two layers; `body` is all that is before the head."""

    def __init__(self, rngs):
        self.first = nnx.Linear(64, HIDDEN, rngs=rngs)
        self.head = nnx.Linear(HIDDEN, 10, rngs=rngs)

    def body(self, x):
        """Return what the head sees, (N, HIDDEN)."""
        return nnx.relu(self.first(x))

    def __call__(self, x):
        """Return logits (N, 10)."""
        return self.head(self.body(x))


def of_logits(network, x, y):
    """Return the loss of the logits."""
    return xent.cross_entropy(y, logits=network(x))


def of_head(network, x, y):
    """Return the loss of the head, whose kernel is (HIDDEN, 10) in flax."""
    head = network.head
    return xent.linear_cross_entropy(y, network.body(x), head.kernel.T, head.bias)


def of_optax(network, x, y):
    """Return optax's loss of the logits."""
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(network(x), y))


LOSSES = {"logits": of_logits, "head": of_head, "optax": of_optax}


def digits():
    """Features (N, 64) in [0, 1] and labels (N,): four fifths to train, the rest to test."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    x, y, split = jnp.asarray(images[order] / 16), jnp.asarray(labels[order]), len(order) * 4 // 5
    return (x[:split], y[:split]), (x[split:], y[split:])


def train(loss, steps):
    """Yield the loss of every step, then the accuracy."""
    training, (x, y) = digits()
    network = Network(nnx.Rngs(0))
    optimiser = nnx.Optimizer(network, optax.sgd(RATE, MOMENTUM), wrt=nnx.Param)

    @nnx.jit
    def step(network, optimiser):
        value, slopes = nnx.value_and_grad(LOSSES[loss])(network, *training)
        optimiser.update(network, slopes)
        return value

    for _ in range(steps):
        yield float(step(network, optimiser))
    yield float(jnp.mean(jnp.argmax(network(x), axis=1) == y))


def main():
    """Train with each loss, and print where it ends."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=200, help="gradient steps (%(default)s)")
    steps = parser.parse_args().steps
    for loss in LOSSES:
        *_, last, accuracy = tqdm(train(loss, steps), desc=loss, total=steps + 1, unit="step")
        print(f"{loss:<8}{last:.6f} nats  accuracy {accuracy:.2%}")


if __name__ == "__main__":
    main()
