"""Gradient boosting with xent's losses: the objectives of xgboost and LightGBM, reproduced.

A tree is fitted to the gradient g of the loss in each margin, and to the diagonal h of its second derivative:

    softmax   g = a − y        h = a (1 − a)        a = softmax of the margins
    logistic  g = σ − y        h = σ (1 − σ)        σ = sigmoid of the margin

`xent.grad_and_hessian_diagonal` returns both, of any loss. The two libraries' own softmax multiplies h by a
factor: xgboost by 2, LightGBM by K / (K − 1) for K classes.

    python examples/boosting.py

needs scikit-learn, and xgboost (or xgboost-cpu) or LightGBM.
"""

import argparse
import importlib
import json

import numpy as np
from sklearn.datasets import load_breast_cancer, load_wine

import xent

ROUNDS = 8
LOSSES = {"softmax": xent.cross_entropy, "logistic": xent.binary_cross_entropy}
DATA = {"softmax": load_wine, "logistic": load_breast_cancer}


def objective(loss, factor, labels, margins):
    """Return gradient and Hessian diagonal of the summed loss, as boosters take them."""
    slopes = xent.grad_and_hessian_diagonal(LOSSES[loss])
    g, h = slopes(labels.astype(np.int32), logits=margins, reduction="sum")
    return g, factor * h


def by_xgboost(loss, data, labels):
    """Return the trees by xgboost's own objective, and by xent's."""
    xgb = importlib.import_module("xgboost")
    many = {"num_class": len(set(labels))} if loss == "softmax" else {}
    own = {
        "softmax": {"objective": "multi:softprob", "base_score": 0.0},
        "logistic": {"objective": "binary:logistic", "base_score": 0.5},  # a margin of 0
    }[loss]
    matrix, shared = xgb.DMatrix(data, labels), {"max_depth": 3, "nthread": 1, **many}

    def slopes(margins, matrix):
        return objective(loss, 2 if many else 1, matrix.get_label(), margins)

    for params, obj in ((own, None), ({"base_score": 0.0}, slopes)):
        booster = xgb.train({**shared, **params}, matrix, ROUNDS, obj=obj)
        yield [json.loads(tree) for tree in booster.get_dump(dump_format="json")]


def by_lightgbm(loss, data, labels):
    """Return the same by LightGBM."""
    lgb = importlib.import_module("lightgbm")
    classes = len(set(labels))
    many = {"num_class": classes} if loss == "softmax" else {}
    shared = {"verbose": -1, "boost_from_average": False, "num_threads": 1, "num_leaves": 6, **many}

    def slopes(margins, matrix):
        return objective(loss, classes / (classes - 1) if many else 1, matrix.get_label(), margins)

    for own in ({"softmax": "multiclass", "logistic": "binary"}[loss], slopes):
        booster = lgb.train({**shared, "objective": own}, lgb.Dataset(data, labels), ROUNDS)
        yield [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]


def flat(trees):
    """Return the splits of some trees, by feature and threshold, and their leaves."""
    splits, leaves = [], []
    for tree in trees:
        value = tree.get("leaf", tree.get("leaf_value"))
        if value is not None:
            leaves.append(value)
            continue
        names = ("split", "split_condition", "split_feature", "threshold")
        children = tree.get("children") or [tree["left_child"], tree["right_child"]]
        more, others = flat(children)
        splits += [tuple(tree.get(name) for name in names), *more]
        leaves += others
    return splits, leaves


def compared(own, mine):
    """Return how many splits there are, whether they are alike, and how far the leaves are apart."""
    (splits, leaves), (splits_too, leaves_too) = flat(own), flat(mine)
    alike = splits == splits_too
    apart = np.max(np.abs(np.subtract(leaves, leaves_too))) / np.max(np.abs(leaves)) if alike else 1
    return len(splits), alike, apart


def main():
    """Print for each library and loss whether the trees are those of its own objective."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    both = {"xgboost": by_xgboost, "lightgbm": by_lightgbm}
    parser.add_argument("--library", choices=both, action="append", help="both by default")
    for library in parser.parse_args().library or both:
        for loss in LOSSES:
            data, labels = DATA[loss](return_X_y=True)
            try:
                trees = both[library](loss, data.astype(np.float32), labels)
                splits, alike, apart = compared(*trees)
            except ModuleNotFoundError as error:
                parser.error(f"--library {library}: {error.name} is not installed here")
            same = f"the same {splits} splits, leaves within {apart:.0e}"
            print(f"{library:<9} {loss:<9} {same if alike else 'other splits'}")


if __name__ == "__main__":
    main()
