"""Softmax regression on handwritten digits in Keras, its loss by `xent`, on JAX, torch and NumPy.

With JAX and torch Keras differentiates: `model.fit` takes a loss of `xent.nn.keras`, and the model is saved
and loaded with it. NumPy has no automatic differentiation, so that `fit` can't train there; `xent` has the
gradient in features, weight and bias, and the loop is written out, with Keras's own optimiser. All three end
at the same digits.

    KERAS_BACKEND=numpy python examples/keras_digits.py
"""

import argparse
import tempfile
from pathlib import Path

import keras
import numpy as np
from sklearn.datasets import load_digits

import xent
from xent.nn.keras import SparseCategoricalCrossentropy


def digits():
    """Features (N, 64) in [0, 1] and labels (N,): four fifths to train, the rest to test."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    x, y, split = (images[order] / 16).astype("float32"), labels[order], len(order) * 4 // 5
    return (x[:split], y[:split]), (x[split:], y[split:])


def started():
    """Return a model of one layer, which begins at 0, with optimiser and loss."""
    layer = keras.layers.Dense(10, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((64,)), layer])
    model.compile(
        optimizer=keras.optimizers.SGD(0.5, momentum=0.9),
        loss=SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def fit(model, x, y, steps):
    """Train as Keras does, all rows in each step."""
    model.fit(x, y, batch_size=len(x), epochs=steps, shuffle=False, verbose=0)


def loop(model, x, y, steps):
    """Train by the gradients that `xent` returns."""
    slopes = xent.grad(xent.linear_cross_entropy)
    kernel, bias = model.trainable_variables
    for _ in range(steps):
        g = slopes(y, x, kernel.numpy().T, bias.numpy())
        model.optimizer.apply([g.weight.T, g.bias], [kernel, bias])


def main():
    """Train on the backend that was chosen, and print what the model costs after it was loaded again."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=100, help="gradient steps (%(default)s)")
    steps, backend = parser.parse_args().steps, keras.backend.backend()
    training, test = digits()
    model = started()
    (loop if backend == "numpy" else fit)(model, *training, steps)
    with tempfile.TemporaryDirectory() as folder:
        model.save(file := Path(folder) / "digits.keras")
        model = keras.saving.load_model(file)
    loss, accuracy = model.evaluate(*test, batch_size=len(test[0]), verbose=0)
    print(f"{backend:<6}{loss:.6f} nats  accuracy {accuracy:.2%}")


if __name__ == "__main__":
    main()
