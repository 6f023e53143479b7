"""Losses as scikit-learn's scorers: cross-validation and search by cross entropy, focal loss or Brier score.

A loss takes the labels first and then the probabilities, as scikit-learn's own metrics do, so that
`make_scorer` takes it as it is; of two classes it hands over the probability of the second, as the binary
losses have it. Of a scorer more is better: that of a loss is its negative. Nothing is clipped: a model that
gives the true class probability 0 costs infinity, where `log_loss` takes 2e-16 for it.

    python examples/scorer.py

needs NumPy and scikit-learn.
"""

import numpy as np
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import xent


def cost(loss, **options):
    """Return a scorer of probabilities; labels are those of the classes in order, 0 … K − 1."""
    return make_scorer(loss, response_method="predict_proba", greater_is_better=False, **options)


SCORERS = {
    "bits": cost(xent.cross_entropy, base=2),
    "perplexity": cost(xent.perplexity),
    "focal": cost(xent.focal_loss, gamma=2.0),
    "brier": cost(xent.brier_score),
    "balanced": cost(xent.cross_entropy, class_weight=np.array([1.0, 0.8, 1.5])),
}
BINARY = {"bits": cost(xent.binary_cross_entropy, base=2), "focal": cost(xent.binary_focal_loss)}
MODELS = {
    "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
    "neighbours": make_pipeline(StandardScaler(), KNeighborsClassifier()),
}


def costs(model, data, labels, scorers):
    """Return what a model costs in each of five folds, by every score."""
    found = cross_validate(model, data, labels, scoring=scorers)
    return {score: -found[f"test_{score}"] for score in scorers}


def main():
    """Print what each model costs, and the regularisation that costs least."""
    data, labels = load_wine(return_X_y=True)
    runs = {name: (model, data, labels, SCORERS) for name, model in MODELS.items()}
    runs["binary"] = (MODELS["logistic"], *load_breast_cancer(return_X_y=True), BINARY)
    for name, run in runs.items():
        said = (f"{score} {np.mean(folds):.6f}" for score, folds in costs(*run).items())
        print(f"{name:<12}{'  '.join(said)}")
    choices = {"logisticregression__C": [0.01, 0.1, 1.0, 10.0]}
    search = GridSearchCV(MODELS["logistic"], choices, scoring=SCORERS["bits"]).fit(data, labels)
    print(
        f"C = {search.best_params_['logisticregression__C']} costs {-search.best_score_:.6f} bits"
    )


if __name__ == "__main__":
    main()
