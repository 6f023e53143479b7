"""Arguments at which a loss is finite and a plain formula, or its derivative, is NaN."""

import numpy as np

INF, NAN = np.inf, np.nan
HALVES, CERTAIN = [[0.5, 0.5, 0.0]], [[0.0, 1.0, 0.0]]

EDGES = {
    "masked class": ("cross_entropy", {"target": [0], "logits": [[0.0, -INF, 1.0]]}),
    "masked class, one-hot": ("cross_entropy", {"target": CERTAIN, "logits": [[-INF, 1.0, 0.0]]}),
    "masked class, soft": ("cross_entropy", {"target": HALVES, "logits": [[2.0, 1.0, -INF]]}),
    "one class left": ("cross_entropy", {"target": [0], "logits": [[0.0, -INF, -INF]]}),
    "tie": ("cross_entropy", {"target": [1], "logits": [[0.0, 0.0, 0.0]]}),
    "tie, soft": ("cross_entropy", {"target": HALVES, "logits": [[0.0, 0.0, 0.0]]}),
    "certain logit": ("cross_entropy", {"target": [1], "logits": [[0.0, INF, 3.0]]}),
    "certain logit, one-hot": ("cross_entropy", {"target": CERTAIN, "logits": [[0.0, INF, 3.0]]}),
    "far": ("cross_entropy", {"target": [1], "logits": [[0.0, 1e30, -1e30]]}),
    "no chance": ("cross_entropy", {"target": [1], "probs": CERTAIN}),
    "no chance, one-hot": ("cross_entropy", {"target": CERTAIN, "probs": CERTAIN}),
    "no chance, soft": ("cross_entropy", {"target": HALVES, "probs": HALVES}),
    "no chance in logs": ("cross_entropy", {"target": HALVES, "log_probs": [[-1.0, -1.0, -INF]]}),
    "weightless class": (
        "cross_entropy",
        {"target": HALVES, "probs": [[1.0, 0.0, 0.0]], "class_weight": [1.0, 0.0, 1.0]},
    ),
    "weightless row": (
        "cross_entropy",
        {"target": [0, 0], "probs": [[0.0, 1.0], [0.5, 0.5]], "sample_weight": [0.0, 1.0]},
    ),
    "nothing weighs": (
        "cross_entropy",
        {"target": [0, 0], "logits": [[0.0, 1.0], [0.5, 0.5]], "sample_weight": [0.0, 0.0]},
    ),
    "row taken out": (
        "cross_entropy",
        {"target": [0, 0], "logits": [[NAN, INF], [1.0, 2.0]], "where": [False, True]},
    ),
    "soft row taken out": (
        "cross_entropy",
        {
            "target": [[NAN, 1.0], [0.5, 0.5]],
            "probs": [[NAN, INF], [0.5, 0.5]],
            "where": [False, True],
        },
    ),
    "label ignored": (
        "cross_entropy",
        {"target": [-1, 1], "log_probs": [[NAN, INF], [-1.0, -2.0]], "ignore_index": -1},
    ),
    "all ignored": (
        "cross_entropy",
        {"target": [9, 9], "logits": [[NAN, INF], [1.0, 2.0]], "ignore_index": 9},
    ),
    "all taken out": ("perplexity", {"target": [0], "logits": [[NAN, INF]], "where": [False]}),
    "sure and right": (
        "binary_cross_entropy",
        {"target": [1.0, 0.0, 0.5], "logits": [INF, -INF, 0.0]},
    ),
    "sure and right in probabilities": (
        "binary_cross_entropy",
        {"target": [1.0, 0.0], "probs": [1.0, 0.0]},
    ),
    "binary taken out": (
        "binary_cross_entropy",
        {"target": [NAN, 0.5], "logits": [NAN, 0.0], "where": [False, True]},
    ),
    "neither has it": ("kl_divergence", {"target": HALVES, "probs": [[0.25, 0.75, 0.0]]}),
    "target lacks it": ("kl_divergence", {"target": HALVES, "probs": [[0.25, 0.25, 0.5]]}),
    "target lacks it, logits": ("kl_divergence", {"target": HALVES, "logits": [[0.0, 0.0, 0.0]]}),
    "neither has it, logits": ("kl_divergence", {"target": HALVES, "logits": [[0.0, 1.0, -INF]]}),
    "neither has it, logs": (
        "kl_divergence",
        {"target": HALVES, "log_probs": [[-1.0, -1.0, -INF]]},
    ),
    "equal": ("kl_divergence", {"target": HALVES, "probs": HALVES}),
    "equal logits": (
        "kl_divergence",
        {"target_logits": [[1.0, 1.0, -INF]], "logits": [[1.0, 1.0, -INF]]},
    ),
    "masked for both": (
        "kl_divergence",
        {"target_logits": [[0.0, 1.0, -INF]], "logits": [[2.0, 0.0, -INF]]},
    ),
    "masked for the target": (
        "kl_divergence",
        {"target_logits": [[0.0, -INF]], "logits": [[2.0, 0.0]]},
    ),
    "one lacks it": ("jensen_shannon_divergence", {"p": [[0.0, 0.5, 0.5]], "q": [[0.5, 0.5, 0.0]]}),
    "neither has it, JS": ("jensen_shannon_divergence", {"p": HALVES, "q": [[0.25, 0.75, 0.0]]}),
    "disjoint": ("jensen_shannon_divergence", {"p": [[1.0, 0.0]], "q": [[0.0, 1.0]]}),
    "equal, JS": ("jensen_shannon_divergence", {"p": HALVES, "q": HALVES}),
    "certain": ("entropy", {"probs": CERTAIN}),
    "certain in logs": ("entropy", {"log_probs": [[-INF, 0.0]]}),
    "masked class, entropy": ("entropy", {"logits": [[0.0, -INF, 1.0]]}),
    "certain logit, entropy": ("entropy", {"logits": [[0.0, INF, 1.0]]}),
    "tie, entropy": ("entropy", {"logits": [[0.0, 0.0]]}),
    "masked class, likelihood": (
        "negative_log_likelihood",
        {"target": HALVES, "logits": [[0.0, -INF, 1.0]]},
    ),
    "no chance, likelihood": ("negative_log_likelihood", {"target": HALVES, "probs": CERTAIN}),
    "no chance in logs, likelihood": (
        "negative_log_likelihood",
        {"target": HALVES, "log_probs": [[-1.0, -INF, -INF]]},
    ),
    "masked class, log likelihood": (
        "log_likelihood",
        {"target": [0], "logits": [[0.0, -INF, 1.0]]},
    ),
    "masked class, softmax": ("softmax", {"logits": [[0.0, -INF, 1.0]]}),
    "masked class, logsumexp": ("logsumexp", {"logits": [[0.0, -INF, 1.0]]}),
    "tie, logsumexp": ("logsumexp", {"logits": [[1.0, 1.0, 1.0]]}),
    "sure": ("sigmoid", {"logits": [INF, -INF, 0.0]}),
    "sure in logs": ("log_sigmoid", {"logits": [INF, 0.0]}),
}
"""By what is special: the loss, and its arguments."""


def arrays(given):
    """Return the arguments with arrays in the place of lists."""
    return {k: np.array(x) if isinstance(x, list) else x for k, x in given.items()}


def prediction(given):
    """Return the name of the prediction."""
    return next(name for name in ("logits", "probs", "log_probs", "q") if name in given)
