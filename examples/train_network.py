"""A small network on handwritten digits, in torch and in JAX: `xent`'s loss beside the framework's.

    h = max(0, W₁x + b₁)        z = W₂h + b₂        L = mean of log Σⱼ exp zⱼ − z_y

The framework differentiates and its optimiser steps; only the line of the loss differs, and the two
curves are the same.
"""

from functools import partial

import numpy as np
from curves import asked, save
from sklearn.datasets import load_digits
from tqdm import tqdm

import xent

HIDDEN, RATE, MOMENTUM = 32, 0.1, 0.9


def digits():
    """Features (N, 64) in [0, 1] and labels (N,): four fifths to train, the rest to test."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    x, y, split = (images[order] / 16).astype("float32"), labels[order], len(order) * 4 // 5
    return (x[:split], y[:split]), (x[split:], y[split:])


def train_torch(steps, *, own, compiled=False):
    """Yield the loss of every step, then the accuracy: an `nn.Module` and an ordinary optimiser."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    (x, y), (x_test, y_test) = (map(torch.from_numpy, part) for part in digits())
    network = nn.Sequential(nn.Linear(64, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))
    optimiser = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM)

    def loss():
        z = network(x)
        return nn.functional.cross_entropy(z, y) if own else xent.cross_entropy(y, logits=z)

    step = torch.compile(loss, fullgraph=True) if compiled else loss
    for _ in range(steps):
        value = step()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        yield value.item()
    yield (network(x_test).argmax(1) == y_test).float().mean().item()


def train_jax(steps, *, own):
    """Yield the loss of every step, then the accuracy: pure functions and a jitted update."""
    import jax
    import jax.numpy as jnp

    (x, y), (x_test, y_test) = (map(jnp.asarray, part) for part in digits())
    keys, sizes = jax.random.split(jax.random.key(0)), ((64, HIDDEN), (HIDDEN, 10))
    start = [jax.random.normal(k, s) / s[0] ** 0.5 for k, s in zip(keys, sizes, strict=True)]
    weights = [(w, jnp.zeros(w.shape[1])) for w in start]
    speed = jax.tree.map(jnp.zeros_like, weights)

    def network(weights, x):
        (w1, b1), (w2, b2) = weights
        return jax.nn.relu(x @ w1 + b1) @ w2 + b2

    def loss(weights):
        z = network(weights, x)
        if own:
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1))
        return xent.cross_entropy(y, logits=z)

    @jax.jit
    def update(weights, speed):
        value, slope = jax.value_and_grad(loss)(weights)
        speed = jax.tree.map(lambda v, g: MOMENTUM * v + g, speed, slope)
        return jax.tree.map(lambda w, v: w - RATE * v, weights, speed), speed, value

    for _ in range(steps):
        weights, speed, value = update(weights, speed)
        yield float(value)
    yield float((network(weights, x_test).argmax(1) == y_test).mean())


RUNS = {"torch": train_torch, "compiled": partial(train_torch, compiled=True), "jax": train_jax}


def main():
    """Train what was asked for with both losses, and print where each ends."""
    options, curves = asked(__doc__, RUNS, 200), {}
    for run, own in ((run, own) for run in options.run for own in (False, True)):
        name, steps = f"{run}, {'its own' if own else 'xent'}", RUNS[run](options.steps, own=own)
        *curves[name], accuracy = tqdm(steps, desc=name, total=options.steps + 1, unit="step")
        print(f"{name:<20}{curves[name][-1]:.6f} nats  accuracy {accuracy:.2%}")
    if options.plot:
        save(curves, options.plot, "A network on digits", scale="log")


if __name__ == "__main__":
    main()
