"""A loss with one kind of target, one form of prediction and one set of parameters; arguments for it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

import xent
from xent._kernel import COUNTS, Kernel, is_number
from xent._plan import Plan
from xent._target import ready

Given = dict[str, Any]
ROWS, CLASSES = 3, 5
FORMS = ("logits", "probs", "log_probs", "q")
TIED = 5e-3
"""How near to each other, relatively, no drawn target and probability are: a loss may have a kink there."""
KINDS = ("labels", "distributions", "binary", "target_logits", "nothing")


@dataclass(frozen=True, eq=False)  # a parameter may be an array, which is in no set
class Case:
    """What the laws are held to.

    Attributes
    ----------
    loss : the function
    kind : what the target holds, one of `KINDS`
    form : the name of the prediction
    items : the loss's own parameters, as pairs
    textbook : (t, q, **parameters) -> values, or None
    kinds : all that the target may hold
    permutes : whether no class is another than the others
    """

    loss: Callable[..., Any]
    kind: str
    form: str
    items: tuple[tuple[str, Any], ...] = ()
    textbook: Callable[..., Any] | None = None
    kinds: tuple[str, ...] = ()
    permutes: bool = True

    def __str__(self) -> str:
        own = "".join(f", {name}={x!r}" for name, x in self.items)
        return f"{self.kind} and {self.form}{own}"

    @property
    def parameters(self) -> dict[str, Any]:
        """The loss's own parameters."""
        return dict(self.items)

    @cached_property
    def others(self) -> dict[str, Any]:
        """Return the parameters that are operands, each another one: the half, as a range may end."""
        return {
            k: 0.5 * x if np.any(x) else x + 0.25
            for k, x in self.items
            if is_number(x) and k not in self.counts
        }

    @cached_property
    def counts(self) -> dict[str, Any]:
        """Return the parameters by which the kernel's counts change, each one more, or one less."""

        def held(**own: int) -> list[int]:
            given = self.draw() | self.parameters | own
            kernel = vars(self.loss)["problem"](**given).plan.kernel
            return [getattr(kernel, f.name) for f in fields(kernel) if f.type in COUNTS]

        found: dict[str, Any] = {}
        for name, x in self.items:
            for other in (x - 1, x + 1) if type(x) is int else ():
                with suppress(ValueError):  # of a parameter that ends there
                    found |= {name: other} if held(**{name: other}) != held() else {}
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names in the signature of the loss."""
        return tuple(inspect.signature(self.loss).parameters)

    @cached_property
    def target(self) -> str:
        """The name of the target."""
        return "target_logits" if self.kind == "target_logits" else self.names[0]

    @cached_property
    def size(self) -> float:
        """The size of the textbook's terms: that of its largest value at moderate arguments, at least 1."""
        return max(1.0, float(np.max(np.abs(self.said(self.draw())))))

    @cached_property
    def elementwise(self) -> bool:
        """Whether each element is a row by itself."""
        return "axis" not in self.names

    @property
    def by_label(self) -> bool:
        """Whether the target has one entry per row."""
        return self.kind == "labels"

    @property
    def each(self) -> dict[str, Any]:
        """The option by which each row has its value."""
        return {"reduction": "none"} if "reduction" in self.names else {}

    def takes(self, *options: str) -> bool:
        """Whether options make sense for the case."""
        senseless = set() if self.kind in ("labels", "binary") else {"ignore_index"}
        if self.form != "logits":
            senseless |= {"softcap", "temperature", "z_loss"}
        if "sample_weight" not in self.names:  # it is a mask of classes, and none of rows
            senseless |= {"where"}
        return set(options) <= set(self.names) - senseless

    def function(self, **given: Any) -> Any:
        """Return the loss with its parameters."""
        return self.loss(**given, **self.parameters)

    def gradient(self, **given: Any) -> Any:
        """Return what `xent.grad` makes of it."""
        return xent.grad(self.loss)(**given, **self.parameters)

    def both(self, **given: Any) -> Any:
        """Return what `xent.value_and_grad` makes of it."""
        return xent.value_and_grad(self.loss)(**given, **self.parameters)

    def pulled(self, **given: Any) -> Any:
        """Return what `xent.vjp` makes of it."""
        return xent.vjp(self.loss)(**given, **self.parameters)

    def curved(self, **given: Any) -> Any:
        """Return what `xent.hvp` makes of it."""
        return xent.hvp(self.loss)(**given, **self.parameters)

    def problem(self, **given: Any) -> Any:
        """Return the checked call: its engine, plan and operands."""
        return vars(self.loss)["problem"](**given, **self.parameters)

    def prepared(self, **given: Any) -> tuple[Kernel, Any, Any, Any, Plan]:
        """Return kernel, verbs, prediction and target as the kernel takes them, and the plan, on NumPy."""
        problem = self.problem(**given)
        plan, operands, xp = problem.plan, problem.operands, problem.engine.xp
        with np.errstate(all="ignore"):
            x, target = ready(xp, plan, operands)
        return plan.kernel.filled(operands.numbers.kernel), xp, x, target, plan

    # --- arguments ---

    def draw(self, seed: int = 0, rows: int = ROWS, classes: int = CLASSES) -> Given:
        """Return a target and a prediction, moderate and without ties, the class axis the last."""
        random, shape = np.random.default_rng(seed), (rows, classes)
        logits = random.uniform(-2, 2, shape)
        target = self._target(random, shape)
        if self.kind == "distributions":
            while np.any(np.abs(target / self.probs(logits) - 1) < TIED):
                target = self._target(random, shape)
        prediction = logits if self.form == "logits" else self.probs(logits)
        if self.form == "log_probs":
            prediction = np.log(prediction)
        return (
            {self.form: prediction}
            if target is None
            else {self.target: target, self.form: prediction}
        )

    def _target(self, random: np.random.Generator, shape: tuple[int, int]) -> Any:
        """Return a target, None where there is none."""
        if self.kind == "labels":
            return np.arange(shape[0]) * 2 % shape[1]
        if self.kind == "nothing":
            return None
        low, high = {"target_logits": (-2, 2), "binary": (0.05, 0.95)}.get(self.kind, (-1.5, 1.5))
        x = random.uniform(low, high, shape)
        return softmax(x) if self.kind == "distributions" else x

    def probs(self, logits: Any) -> Any:
        """Return the probabilities of logits."""
        return 1 / (1 + np.exp(-logits)) if self.elementwise else softmax(logits)

    def said(self, given: Mapping[str, Any], lean: Any = 0.0) -> Any:
        """Return what the textbook says: of the target as a distribution, and of probabilities.

        These may ``lean`` by so many ULP, each by its own number, but never above 1.
        """
        assert self.textbook is not None
        q, t = np.asarray(given[self.form], np.float64), given.get(self.target)
        if self.form == "logits":
            q = self.probs(q)
        if self.form == "log_probs":
            q = np.exp(q)
        if self.kind == "labels":
            t = np.eye(q.shape[-1])[t]
        if self.kind == "target_logits":
            t = softmax(t)
        if np.any(lean):
            q = np.minimum(q * (1 + lean * 2.0**-52), np.maximum(q, 1.0))
        return self.textbook(t, q, **self.parameters)

    def options(self, rows: int = ROWS, classes: int = CLASSES) -> Given:
        """Return a value for each shared option that takes part in the sum."""
        random = np.random.default_rng(7)
        each = (rows, classes) if self.elementwise else (rows,)
        values = {
            "base": 2.0,
            "class_weight": random.uniform(0.5, 2, classes),
            "pos_weight": random.uniform(0.5, 2, classes),
            "sample_weight": random.uniform(0.5, 2, each),
            "where": np.arange(np.prod(each)).reshape(each) != 1,
            "ignore_index": 2,
            "label_smoothing": 0.125,
            "softcap": 4.0,
            "temperature": 1.5,
            "z_loss": 0.125,
        }
        return {name: x for name, x in values.items() if self.takes(name)}


def softmax(x: Any) -> Any:
    """Return a plain softmax of moderate logits."""
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)


def narrowed(given: Mapping[str, Any], dtype: Any = np.float32) -> Given:
    """Return arguments whose floating arrays have another dtype."""
    return {
        k: x.astype(dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
        for k, x in given.items()
    }


def forms_of(names: Collection[str]) -> list[str]:
    """Return the forms that a prediction may have; a q beside probabilities is a parameter."""
    return [x for x in FORMS if x in names and not (x == "q" and "probs" in names)]
