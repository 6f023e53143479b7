"""Logistic regression on more rows than memory holds, by Dask, ending where scikit-learn does.

    J(θ, b) = mean loss + ½ λ ‖θ‖²        ∂J/∂θ = mean (σ − y) x + λ θ        ∂J/∂b = mean (σ − y)

`xent` returns the mean and its gradients lazily, in graphs that share what they stand on: each pass makes
a chunk once, as it would be read from a file, measures it and drops it. From step to step only the
parameters are kept. Nesterov's momentum takes the steps.

    python examples/logistic_dask.py

needs Dask's arrays, scikit-learn and tqdm.
"""

import argparse

import dask
import dask.array as da
import numpy as np
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

import xent

FEATURES, CHUNK = 16, 4096
DECAY, RATE, MOMENTUM = 1e-2, 2.0, 0.7


def chunk(block_info=None):
    """Return features and label, (CHUNK, FEATURES + 1), of one chunk: the same whenever it is asked for."""
    number = block_info[None]["chunk-location"][0]
    draw = np.random.default_rng((0, number))
    x = draw.normal(size=(CHUNK, FEATURES))
    z = x @ np.linspace(-1, 1, FEATURES) + 0.5
    return np.column_stack([x, draw.random(CHUNK) < xent.sigmoid(z)])


def rows(chunks):
    """Return lazy features (N, FEATURES) and labels (N,), in chunks of rows."""
    sizes = ((CHUNK,) * chunks, (FEATURES + 1,))
    table = da.map_blocks(chunk, chunks=sizes, dtype="float64", meta=np.empty((0, 0)))
    return table[:, :-1], table[:, -1].astype("int32")


def fit(x, y, steps):
    """Yield weight, bias and J after every pass over the rows."""
    value_and_grad = xent.value_and_grad(xent.linear_binary_cross_entropy)
    place, speed = np.zeros(FEATURES + 1), np.zeros(FEATURES + 1)
    for _ in range(steps):
        ahead = place + MOMENTUM * speed
        weight, bias = ahead[:-1], ahead[-1]
        loss, g = value_and_grad(y, x, weight, bias)
        loss, *slopes = dask.compute(loss, g.weight, g.bias)
        slope = np.append(slopes[0] + DECAY * weight, slopes[1])
        speed = MOMENTUM * speed - RATE * slope
        place = place + speed
        yield weight, bias, loss + DECAY * np.sum(weight**2) / 2


def by_sklearn(x, y):
    """Return scikit-learn's weight and bias, of all rows in memory."""
    x, y = dask.compute(x, y)
    model = LogisticRegression(C=1 / (DECAY * len(y)), solver="newton-cholesky", tol=1e-10)
    model.fit(x, y)
    return model.coef_[0], model.intercept_[0]


def main():
    """Fit, and print how far the solution is from scikit-learn's."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--chunks", type=int, default=8, help=f"of {CHUNK} rows (%(default)s)")
    parser.add_argument("--steps", type=int, default=60, help="passes over the rows (%(default)s)")
    options = parser.parse_args()
    x, y = rows(options.chunks)
    steps = fit(x, y, options.steps)
    *_, (weight, bias, value) = tqdm(steps, total=options.steps, unit="pass")
    theirs = by_sklearn(x, y)
    apart = np.max(np.abs(np.append(weight - theirs[0], bias - theirs[1])))
    print(f"J {value:.10f} after {options.steps} passes  from scikit-learn's solution {apart:.0e}")


if __name__ == "__main__":
    main()
