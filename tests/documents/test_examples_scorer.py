"""Scores of scikit-learn's folds are the textbook's, and infinite where a true class has probability 0."""

import re
import runpy

import numpy as np
import pytest

from tests.documents.script import EXAMPLES, printed

SCRIPT = EXAMPLES / "scorer.py"
WEIGHT = np.asarray([1.0, 0.8, 1.5])


def textbook(model, data, labels):
    """Return what a fitted model costs, by formulas of its probabilities."""
    q = model.predict_proba(data)
    with np.errstate(divide="ignore"):
        each = -np.log(q[np.arange(len(labels)), labels])
    weight = WEIGHT[labels]
    return {
        "bits": np.mean(each) / np.log(2),
        "perplexity": np.exp(np.mean(each)),
        "focal": np.mean((1 - np.exp(-each)) ** 2 * each),
        "brier": np.mean(np.sum((q - np.eye(q.shape[1])[labels]) ** 2, axis=1)),
        "balanced": np.sum(weight * each) / np.sum(weight),
    }


def test_scores_are_the_textbooks():
    pytest.importorskip("sklearn")
    from sklearn.datasets import load_breast_cancer, load_wine
    from sklearn.model_selection import cross_validate

    example = runpy.run_path(str(SCRIPT))
    runs = [(model, *load_wine(return_X_y=True), "SCORERS") for model in example["MODELS"].values()]
    for model, data, labels, scorers in (
        *runs,
        (runs[0][0], *load_breast_cancer(return_X_y=True), "BINARY"),
    ):
        found = example["costs"](model, data, labels, example[scorers])
        want = cross_validate(model, data, labels, scoring=textbook)
        for score, folds in found.items():
            np.testing.assert_allclose(folds, want[f"test_{score}"], rtol=1e-9)


def test_runs_and_finds_the_regularisation_that_costs_least():
    pytest.importorskip("sklearn")
    logistic, neighbours, _, search = printed(SCRIPT).splitlines()
    assert neighbours.count(" inf") == 4
    default, best = (float(re.search(r"([\d.]+)", line[12:])[1]) for line in (logistic, search))
    assert best < default
