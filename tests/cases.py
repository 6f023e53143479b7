"""Valid arguments for every registered loss, by what its target and its prediction are.

A loss is covered by all laws once it has a record in `tests/losses/`; `test_registry` fails until it
has.
"""

import os
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from importlib import import_module
from inspect import signature
from pkgutil import iter_modules

import numpy as np

import xent
from tests import losses
from tests.formulas import softmax
from xent.testing.case import forms_of

RECORDS = {
    module.name: import_module(f"tests.losses.{module.name}").RECORD
    for module in iter_modules(losses.__path__)
}
"""By the name of the loss."""


def bound(function, parameters):
    """Return a loss with values of its own parameters, which laws need not know."""
    if not parameters:
        return function
    known = signature(function)

    @wraps(function.call)
    def body(*args, **kwargs):
        return function.call(*args, **kwargs, **parameters)

    body.__module__ = __name__  # where a pickle finds it
    body.__signature__ = known.replace(
        parameters=[p for name, p in known.parameters.items() if name not in parameters]
    )
    return globals().setdefault(body.__name__, xent.loss()(body))


LOSSES = {
    name: bound(function, RECORDS[name].parameters if name in RECORDS else {})
    for name, function in vars(xent).items()
    if hasattr(function, "problem")
    and not name.startswith("linear_")
    and name not in ("log_probs", "contrastive_loss", "sigmoid_contrastive_loss")
}
"""By its name, every public function that has a gradient and one value for each row, element or call, but
for the linear heads and the losses of pairs, which have laws of their own.
"""

_NAMES = {"target_logits": "target_logits", "pmf": "p", "nothing": None}
CLASSES = 4
ROWS = (3,)


@dataclass(frozen=True)
class Case:
    """A loss, what its target holds, and the form of its prediction."""

    loss: str
    kind: str
    form: str

    def __str__(self):
        return f"{self.loss}-{self.kind}-{self.form}"

    @property
    def record(self):
        return RECORDS[self.loss]

    @property
    def function(self):
        return LOSSES[self.loss]

    @property
    def grad(self):
        return xent.grad(self.function)

    @property
    def both(self):
        return xent.value_and_grad(self.function)

    @cached_property
    def parameters(self):
        return tuple(signature(self.function).parameters)

    def takes(self, *options):
        """Whether the options make sense for the case."""
        senseless = set() if self.kind in ("labels", "binary") else {"ignore_index"}
        if self.form != "logits":
            senseless |= {"softcap", "temperature", "z_loss"}
        if self.kind == "labels":
            senseless |= {"skew"}
        if self.loss == "log_softmax":
            senseless |= {"where"}  # the sum of its values would be infinite: in `test_classes.py`
        return set(options) <= set(self.parameters) - senseless

    @property
    def target(self):
        """The name of the target, None where there is none."""
        return _NAMES.get(self.kind, "target")

    @property
    def elementwise(self):
        """Whether each element is a row by itself."""
        return "axis" not in self.parameters

    @property
    def keeps_shape(self):
        """Whether there is one value for each element of the prediction."""
        return self.record.one_per == "element"

    @property
    def each(self):
        """The option by which each row has its value."""
        return {"reduction": "none"} if self.takes("reduction") else {}

    @property
    def has_rows(self):
        """Whether a row of it has a value."""
        return self.record.one_per != "call"

    @cached_property
    def _kernel(self):
        return self.function.problem(**self.arguments(), **self.each).plan.kernel

    @property
    def merges(self):
        """Whether it has one number per row, of statistics that merge."""
        return self._kernel.shape == "row" and self._kernel.merges

    @property
    def is_link(self):
        """Whether it returns the prediction's dtype."""
        return self.record.link

    def arguments(self, seed=0, rows=ROWS, classes=CLASSES):
        """Return target and prediction, moderate and without ties, the class axis the last."""
        draw = np.random.default_rng(seed)
        shape = (*rows, classes)
        given = {self.form: _PREDICTIONS[self.form](draw, shape)}
        if self.target is not None:
            given[self.target] = _MAKE[self.kind](draw, shape)
        return given

    def options(self, seed=1, rows=ROWS, classes=CLASSES):
        """Return a value for each option that is an array or a number and takes part in the sum."""
        draw = np.random.default_rng(seed)
        each = (*rows, classes) if self.elementwise or self.is_link else rows
        values = {
            "base": 2.0,
            "class_weight": draw.uniform(0.5, 2, classes),
            "pos_weight": draw.uniform(0.5, 2, classes),
            "sample_weight": draw.uniform(0.5, 2, each),
            "where": np.arange(np.prod(each)).reshape(each) % 3 != 1,
            "ignore_index": 2,
            "label_smoothing": 0.125,
            "denominator": 7.0,
            "softcap": 4.0,
            "temperature": 1.5,
            "z_loss": 0.125,
        }
        return {name: x for name, x in values.items() if self.takes(name)}

    def given(self, options, **size):
        """Return the arguments, and values of some options; the divisor is an array too."""
        made = self.options(**size)
        chosen = {name: made[name] for name in options}
        if "denominator" in chosen:
            chosen["denominator"] = np.asarray(chosen["denominator"])
        return {**self.arguments(**size), **chosen}


def _logits(draw, shape):
    return draw.uniform(-3, 3, shape)


def _probs(draw, shape):
    return softmax(np, draw.uniform(-1.5, 1.5, shape))


_PREDICTIONS = {
    "logits": _logits,
    "probs": _probs,
    "q": _probs,
    "log_probs": lambda draw, shape: np.log(_probs(draw, shape)),
}
_MAKE = {
    "labels": lambda draw, shape: draw.integers(0, shape[-1], shape[:-1]),
    "distributions": _probs,
    "target_logits": _logits,
    "pmf": _probs,
    "binary": lambda draw, shape: draw.uniform(0, 1, shape),
}


def _cases():
    for loss, record in RECORDS.items():
        known = signature(LOSSES[loss]).parameters if loss in LOSSES else ()
        for kind in record.targets:
            yield from (Case(loss, kind, form) for form in forms_of(known))


CASES = tuple(_cases())
NAMED = {str(case): case for case in CASES}


def filled(problem):
    """Return the plan of a call, its kernel with its numbers, and the operands."""
    plan, operands = problem.plan, problem.operands
    return replace(plan, kernel=plan.kernel.filled(operands.numbers.kernel)), operands


EVERY = "XENT_EVERY" in os.environ
"""Whether what costs a compilation, or processes, is tried of every loss in every way, which takes long."""
SOME_OF_THE_FAMILY = ("focal_loss", "brier_score")
"""A curve, and a loss that needs whole rows: what the others of their kind would show again."""
FAMILY = {
    *("asymmetric_loss", "binary_focal_loss", "brier_score", "chi_square_divergence", "focal_loss"),
    *("generalized_cross_entropy", "hellinger_distance", "poly_loss", "renyi_divergence"),
    *(
        "renyi_entropy",
        "spherical_score",
        "total_variation",
        "tsallis_divergence",
        "tsallis_entropy",
    ),
} - {*SOME_OF_THE_FAMILY}


TRIED = tuple(case for case in CASES if EVERY or case.loss not in FAMILY)
"""What transforms, compilers and graphs are tried on: those of a library know no formula."""


def in_brief(case):
    """Whether it is the first of its loss, or of the main one, or of two rows of logits."""
    first = next(c for c in CASES if c.loss == case.loss)
    named = case.loss == "cross_entropy" or case == first or case.kind == "target_logits"
    return named and (EVERY or case.loss not in FAMILY)
