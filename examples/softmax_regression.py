"""Softmax regression on handwritten digits: a loss, its gradient, and no framework's optimiser.

    z = θx + b        a = softmax(z)        ∂L/∂θ = (a − y) x        ∂L/∂b = a − y

`xent` returns L and a − y; the rest is gradient descent with momentum, written once for every
array library. The loss is convex and the split is made in NumPy, so all libraries end at the same
digits.
"""

import argparse
import importlib
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import xent

NAMESPACES = {
    "numpy": "numpy",
    "torch": "array_api_compat.torch",
    "jax": "jax.numpy",
    "cupy": "array_api_compat.cupy",
}
RATE, MOMENTUM = 0.5, 0.9


def digits(xp):
    """Features (N, 64) in [0, 1] and labels (N,): four fifths to train, the rest to test."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    features = xp.asarray((images[order] / 16).astype("float32"))
    labels = xp.asarray(labels[order].astype("int32"))
    split = len(order) * 4 // 5
    return (features[:split], labels[:split]), (features[split:], labels[split:])


def train(xp, training, test, steps):
    """Return weight (K, D), bias (K,) and, for every step, the train and the test loss in nats."""
    (x, y), (x_test, y_test) = training, test
    loss_and_slope = xent.value_and_grad(xent.cross_entropy)
    weight, bias = xp.zeros((10, x.shape[1]), dtype=x.dtype), xp.zeros(10, dtype=x.dtype)
    weight_speed, bias_speed, curve = 0 * weight, 0 * bias, []
    for _ in (bar := tqdm(range(steps), desc="training", unit="step")):
        loss, slope = loss_and_slope(y, logits=x @ weight.T + bias)  # slope = (a − y) / N
        test_loss = xent.cross_entropy(y_test, logits=x_test @ weight.T + bias)
        weight_speed = MOMENTUM * weight_speed + slope.T @ x
        bias_speed = MOMENTUM * bias_speed + xp.sum(slope, axis=0)
        weight, bias = weight - RATE * weight_speed, bias - RATE * bias_speed
        curve.append((float(loss), float(test_loss)))
        bar.set_postfix(nats=f"{curve[-1][0]:.4f}", refresh=False)
    return weight, bias, curve


def summary(xp, labels, logits):
    """Return what the predictions cost, and how many of them are right, as one line."""
    nats = float(xent.cross_entropy(labels, logits=logits))
    bits = float(xent.cross_entropy(labels, logits=logits, base=2))
    perplexity = float(xent.perplexity(labels, logits=logits))
    accuracy = int(xp.sum(xp.argmax(logits, axis=1) == labels)) / labels.shape[0]
    return f"{nats:.4f} nats  {bits:.4f} bits  perplexity {perplexity:.4f}  accuracy {accuracy:.2%}"


def plot(curve, file):
    """Save the learning curve."""
    from matplotlib.figure import Figure  # here, because only --plot needs it

    axes = (figure := Figure(figsize=(7, 4), layout="constrained")).subplots()
    axes.semilogy(curve, label=["train", "test"])
    axes.set(title="Softmax regression on digits", xlabel="step", ylabel="cross entropy (nats)")
    axes.legend()
    figure.savefig(file)


def main():
    """Train on the backend that was asked for, and print both lines."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backend", choices=NAMESPACES, default="numpy", help="array library")
    parser.add_argument("--steps", type=int, default=300, help="gradient steps (%(default)s)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="save the learning curve here")
    options = parser.parse_args()
    if options.steps < 1:
        parser.error(f"--steps takes a positive number, got {options.steps}")
    try:
        xp = importlib.import_module(NAMESPACES[options.backend])
    except ModuleNotFoundError as error:
        parser.error(f"--backend {options.backend}: {error.name} is not installed here")

    training, test = digits(xp)
    weight, bias, curve = train(xp, training, test, options.steps)
    for name, (x, y) in {"train": training, "test": test}.items():
        print(f"{name:<6}{summary(xp, y, x @ weight.T + bias)}")
    if options.plot:
        try:
            plot(curve, options.plot)
        except (ImportError, OSError, ValueError) as error:
            parser.error(f"--plot {options.plot}: {error}")


if __name__ == "__main__":
    main()
