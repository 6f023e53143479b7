"""Logistic and softmax regression fitted with SciPy's L-BFGS, ending where scikit-learn does.

    J(θ, b) = C Σ loss + ½ ‖θ‖²        ∂J/∂θ = C Σ (a − y) x + θ        ∂J/∂b = C Σ (a − y)

`xent` returns the sum with its gradients, the logits never stored whole; SciPy does the rest. The
objective is convex, so there is one solution: scikit-learn's, found by another solver.
"""

import argparse
import importlib

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale
from tqdm import tqdm

import xent

NAMESPACES = {"numpy": "numpy", "torch": "array_api_compat.torch"}
PROBLEMS = {
    "breast cancer": (load_breast_cancer, xent.linear_binary_cross_entropy),
    "digits": (load_digits, xent.linear_cross_entropy),
}
C = 0.1


class Objective:
    """J and its gradient as functions of one flat vector, which is how SciPy wants them."""

    def __init__(self, xp, loss, x, y):
        """Place features (N, D) and labels (N,), of two classes or of more."""
        classes = () if loss is xent.linear_binary_cross_entropy else (int(y.max()) + 1,)
        self.xp, self.value_and_grad = xp, xent.value_and_grad(loss)
        self.x, self.y = xp.asarray(x), xp.asarray(y)
        self.shapes = (*classes, x.shape[1]), classes
        self.size = int(np.prod(self.shapes[0]) + np.prod(self.shapes[1]))

    def parts(self, flat):
        """Return weight and bias, as the shapes say, of a flat vector."""
        weight, bias = np.split(flat, [int(np.prod(self.shapes[0]))])
        return weight.reshape(self.shapes[0]), bias.reshape(self.shapes[1])

    def __call__(self, flat):
        """Return J and its gradient."""
        weight, bias = map(self.xp.asarray, self.parts(flat))
        loss, g = self.value_and_grad(self.y, self.x, weight, bias, reduction="sum")
        slopes = (C * g.weight + weight, C * g.bias)
        value = C * loss + self.xp.sum(weight * weight) / 2
        return float(value), np.concatenate([np.asarray(s).reshape(-1) for s in slopes])

    def accuracy(self, flat):
        """Return the share of rows whose label has the largest logit, or one above 0."""
        weight, bias = self.parts(flat)
        logits = np.asarray(self.x) @ weight.T + bias
        guess = logits.argmax(-1) if logits.ndim == 2 else logits > 0
        return float(np.mean(guess == np.asarray(self.y)))


def fit(objective, name):
    """Return the solution as a flat vector, found from 0."""
    start = np.zeros(objective.size)
    with tqdm(desc=name, unit="step") as bar:

        def show(intermediate_result):
            bar.set_postfix(J=f"{intermediate_result.fun:.6f}", refresh=False)
            bar.update()

        options = {"maxiter": 10_000, "maxfun": 20_000, "ftol": 0.0, "gtol": 1e-7, "maxcor": 30}
        found = minimize(
            objective, start, method="L-BFGS-B", jac=True, callback=show, options=options
        )
    return found.x


def by_sklearn(x, y):
    """Return scikit-learn's solution as the same flat vector."""
    model = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-10).fit(x, y)
    return np.concatenate([model.coef_.reshape(-1), model.intercept_])


def main():
    """Fit both problems on the backend that was asked for, and print both objectives."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backend", choices=NAMESPACES, default="numpy", help="array library")
    backend = parser.parse_args().backend
    try:
        xp = importlib.import_module(NAMESPACES[backend])
    except ModuleNotFoundError as error:
        parser.error(f"--backend {backend}: {error.name} is not installed here")

    for name, (load, loss) in PROBLEMS.items():
        x, y = load(return_X_y=True)
        x = scale(x)
        objective = Objective(xp, loss, x, y)
        mine, theirs = fit(objective, name), by_sklearn(x, y)
        ours, reference = objective(mine)[0], objective(theirs)[0]
        print(
            f"{name:<14}xent {ours:.10f}  scikit-learn {reference:.10f}  "
            f"apart {abs(ours / reference - 1):.0e}  accuracy {objective.accuracy(mine):.2%}"
        )


if __name__ == "__main__":
    main()
