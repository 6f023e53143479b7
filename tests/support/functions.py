"""Every public function of arrays with arguments of its own, and what NumPy makes of them."""

from dataclasses import dataclass
from functools import cached_property
from inspect import signature

import numpy as np

import xent
from tests.cases import CASES, LOSSES
from tests.formulas import softmax
from tests.libraries.textbook import textbook
from tests.linear.textbook import head, labels_of, soft_of

_DRAW = np.random.default_rng(11)
_A, _B = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in _DRAW.normal(size=(2, 4, 3)))
_HEAD, _TEACHER = head(), {f"target_{name}": x for name, x in head(seed=7).items()}
_NARROW = {"features": _HEAD["features"], "weight": _HEAD["weight"][0]}


def _logits(features, weight, bias=0.0):
    return features @ weight.T + bias


def _log_probs(target, logits):
    log_q = np.log(softmax(np, logits))
    return np.take_along_axis(log_q, target[:, None], 1)[:, 0], -np.sum(np.exp(log_q) * log_q, -1)


def _kl(p, q):
    return np.sum(p * np.log(p / q), axis=-1)


def _heads(target_features, target_weight, target_bias, features, weight, bias):
    return [softmax(np, _logits(*x)) for x in (
        (target_features, target_weight, target_bias), (features, weight, bias))]  # fmt: skip


def _js(**given):
    p, q = _heads(**given)
    return (_kl(p, (p + q) / 2) + _kl(q, (p + q) / 2)) / 2


def _pairs(a, b, temperature):
    z = a @ b.T / temperature
    return -(np.log(np.diag(softmax(np, z))) + np.log(np.diag(softmax(np, z.T)))) / 2


def _signs(a, b, scale, bias):
    z = (2 * np.eye(len(a)) - 1) * (scale * a @ b.T + bias)
    return np.sum(np.log1p(np.exp(-z)), axis=1)


def _jacobian(logits):
    a = softmax(np, logits)
    return a[..., None] * np.eye(a.shape[-1]) - a[..., None] * a[..., None, :]


OTHERS = {
    "self_information": ({"p": soft_of()}, lambda p: -np.log(p)),
    "likelihood": (
        {"target": soft_of(seed=3), "probs": soft_of()},
        lambda target, probs: np.sum(target * probs, axis=-1),
    ),
    "linear_cross_entropy": (
        {"target": labels_of(), **_HEAD},
        lambda target, **given: -_log_probs(target, _logits(**given))[0],
    ),
    "linear_binary_cross_entropy": (
        {"target": soft_of()[:, 0], **_NARROW},
        lambda target, **given: np.log1p(np.exp(_logits(**given))) - target * _logits(**given),
    ),
    "linear_kl_divergence": ({**_TEACHER, **_HEAD}, lambda **given: _kl(*_heads(**given))),
    "linear_jensen_shannon_divergence": ({**_TEACHER, **_HEAD}, _js),
    "log_probs": ({"target": labels_of(), "logits": _logits(**_HEAD)}, _log_probs),
    "linear_log_probs": (
        {"target": labels_of(), **_HEAD},
        lambda target, **given: _log_probs(target, _logits(**given)),
    ),
    "contrastive_loss": ({"a": _A, "b": _B, "temperature": 0.5}, _pairs),
    "sigmoid_contrastive_loss": ({"a": _A, "b": _B, "scale": 2.0, "bias": -1.0}, _signs),
    "softmax_jacobian": ({"logits": _logits(**_HEAD)}, _jacobian),
    "one_hot": (
        {"labels": labels_of(), "num_classes": 5},
        lambda labels, num_classes: np.eye(5)[labels],
    ),
    "smooth_labels": (
        {"target": soft_of(), "smoothing": 0.125},
        lambda target, smoothing: (1 - smoothing) * target + smoothing / 5,
    ),
    "is_distribution": ({"p": soft_of()}, lambda p: np.ones(6, dtype=bool)),
}
"""Of functions that the laws have no case of: arguments, and what a textbook makes of them."""
VALUE_ONLY = {"one_hot", "is_distribution"}
"""What has no derivative, being of integers or of bools."""
NO_OWN_GRADIENT = {"likelihood", "self_information", "smooth_labels", "softmax_jacobian"}
"""What `xent.grad` does not take; a library's autograd differentiates it."""
MOVING = ("logits", "probs", "features", "q", "a", "log_probs", "p", "target")
"""In what a function is differentiated: the first of these that it has."""


@dataclass(frozen=True)
class Function:
    """A public function with arguments."""

    name: str

    def __str__(self):
        return self.name

    @cached_property
    def case(self):
        """A case of the laws, of logits where it takes them; None where it has none."""
        of = [case for case in CASES if case.loss == self.name]
        return min(of, key=lambda case: case.form != "logits") if of else None

    @property
    def function(self):
        return LOSSES[self.name] if self.case else getattr(xent, self.name)

    @property
    def options(self):
        """Each row's own value, where there is one."""
        known = signature(self.function).parameters
        return {"reduction": "none"} if "reduction" in known else {}

    @cached_property
    def given(self):
        arguments = self.case.arguments() if self.case else OTHERS[self.name][0]
        return {**arguments, **self.options}

    @cached_property
    def expected(self):
        """What a textbook makes of the arguments."""
        if self.case:
            return textbook(np, self.case, self.given)
        given, formula = OTHERS[self.name]
        return formula(**given)

    @property
    def moving(self):
        return next(name for name in MOVING if name in self.given)

    @property
    def direction(self):
        """A direction of the moving argument, along no symmetry of it."""
        x = self.given[self.moving]
        return np.sin(1.0 + np.arange(x.size)).reshape(x.shape)

    @property
    def has_derivative(self):
        return self.name not in VALUE_ONLY

    @property
    def has_own_gradient(self):
        return self.has_derivative and self.name not in NO_OWN_GRADIENT

    @cached_property
    def cotangent(self):
        """Of each value its own weight, so that nothing cancels."""

        def weigh(x):
            return np.cos(np.arange(np.size(x), dtype=float)).reshape(np.shape(x))

        made = self.expected
        return tuple(map(weigh, made)) if isinstance(made, tuple) else weigh(made)

    def number(self, total, asarray=np.asarray):
        """Return all values, weighed and added up, as a function of the moving argument."""
        rest = {k: asarray(x) if isinstance(x, np.ndarray) else x for k, x in self.given.items()}
        parts = self.cotangent if isinstance(self.cotangent, tuple) else (self.cotangent,)
        weights = list(map(asarray, parts))

        def number(x):
            made = self.function(**{**rest, self.moving: x})
            made = made if isinstance(made, tuple) else (made,)
            return sum(total(v * y) for v, y in zip(weights, made, strict=True))

        return number

    @cached_property
    def slope(self):
        """The derivative of that number, by differences of the sixth order of NumPy's values."""
        number, x, h = self.number(np.sum), self.given[self.moving], 2.0**-12
        found = np.empty_like(x)
        for at in np.ndindex(x.shape):
            e = np.zeros_like(x)
            e[at] = h
            d = [number(x + k * e) - number(x - k * e) for k in (1, 2, 3)]
            found[at] = (45 * d[0] - 9 * d[1] + d[2]) / (60 * h)
        return found


NAMES = sorted({*(case.loss for case in CASES), *OTHERS})
FUNCTIONS = [Function(name) for name in NAMES]
