"""Laws of a kernel: blocks of classes merge, its parameters are its fields, its parts agree."""

from __future__ import annotations

from functools import partial, reduce
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from xent._kernel import Kernel, NoTargetGradientError
from xent._rounds import Round, of_one
from xent._target import ready
from xent.testing.case import Case, narrowed
from xent.testing.compare import MODERATE, alike, largest, law, near, require
from xent.testing.gradients import differences, hold

WIDE = 12
CUTS = ((0, 6, 12), (0, 1, 12), (0, 11, 12), (0, 3, 4, 9, 12), tuple(range(13)))
NUMPY = ("numpy",)


class Measured(NamedTuple):
    """What is measured of blocks of classes: kernel, verbs, axis, and of each block what it takes."""

    kernel: Kernel
    xp: Any
    axis: int
    blocks: list[tuple[Any, Any]]

    def parts(self) -> tuple[Any, list[Any]]:
        """Return the statistics of the whole row, and what was made on the way to those of each block."""
        rows, made = self.blocks, [None] * len(self.blocks)
        if len(rows) == 1 or self.kernel.before is None:
            every = [self.kernel.measure(self.xp, *block, self.axis) for block in rows]
            made = [on_the_way for _, on_the_way in every]
            return self._merged(self.kernel, [s for s, _ in every]), made
        return of_one(self.kernel, self._measured), made

    def _measured(self, now: Round) -> Any:
        """Return the statistics of the whole row in a round."""
        blocks = [(x, now.given(target)) for x, target in self.blocks]
        every = [now.kernel.measure(self.xp, *block, self.axis)[0] for block in blocks]
        return self._merged(now.kernel, every)

    def _merged(self, kernel: Kernel, every: list[Any]) -> Any:
        return reduce(lambda a, b: kernel.merge(self.xp, a, b), every)


def measured(case: Case, given: dict[str, Any], cuts: tuple[int, ...]) -> Measured:
    """Return the blocks of the classes of a call on NumPy."""
    unchecked = {"validate": False} if case.takes("validate") else {}
    problem = case.problem(**given, **case.each, **unchecked)
    plan, operands, xp = problem.plan, problem.operands, problem.engine.xp
    with np.errstate(all="ignore"):
        if plan.target.by_label:
            blocks = [
                ready(xp, plan, operands._replace(prediction=operands.prediction[..., a:b]), a)
                for a, b in pairwise(cuts)
            ]
        else:
            x, t = ready(xp, plan, operands)
            blocks = [(x[..., a:b], None if t is None else t[..., a:b]) for a, b in pairwise(cuts)]
    return Measured(plan.kernel.filled(operands.numbers.kernel), xp, plan.axis, blocks)


def outcome(case: Case, given: dict[str, Any], cuts: tuple[int, ...], *, made: bool = False) -> Any:
    """Return value and gradient from blocks of classes."""
    m = measured(case, given, cuts)
    with np.errstate(all="ignore"):
        s, parts = m.parts()
        value: Any = m.kernel.value(m.xp, s)
        w = np.linspace(0.5, 2.0, value.size).reshape(value.shape)
        pieces = [
            m.kernel.gradient(m.xp, x, t, s, on_the_way if made else None, w, m.axis)
            for (x, t), on_the_way in zip(m.blocks, parts, strict=True)
        ]
    return np.asarray(value), np.concatenate(pieces, axis=-1)


def merges(case: Case) -> bool:
    """Whether the statistics of a row are merged from blocks."""
    kernel = case.problem(**case.draw(), **case.each).plan.kernel
    return kernel.shape == "row" and kernel.merges


def draws(case: Case) -> dict[str, dict[str, Any]]:
    """Return arguments by what is special about them."""
    plain = case.draw(seed=30, classes=WIDE)
    found = {"moderate": plain}
    x, t = plain[case.form], plain.get(case.target)
    half = np.arange(WIDE) < 6
    none = 0.0 if case.form in ("probs", "q") else -np.inf
    hidden = {**plain, case.form: np.where(half, none, x)}
    if case.kind == "labels":
        hidden[case.target] = 6 + plain[case.target] % 6
    elif case.kind != "nothing":
        hidden[case.target] = np.where(half, -np.inf if case.kind == "target_logits" else 0.0, t)
    found["a half without probability"] = hidden
    if case.form == "logits":
        found["far halves"] = {**plain, case.form: np.where(half, x - 800, x)}
        for what, top in (("a class that is all but certain", 36.0), ("a logit of +inf", np.inf)):
            certain = x.copy()
            certain[:, 4] = top
            found[what] = {**plain, case.form: certain}
        found["a row of -inf"] = {**plain, case.form: np.full_like(x, -np.inf)}
    if case.kind == "labels":
        spoilt = x.copy()
        spoilt[np.arange(len(x)), t] = np.nan
        found["a NaN at the label"] = {**plain, case.form: spoilt}
        if case.takes("validate"):
            found["a label before the first class"] = {**plain, case.target: np.full_like(t, -1)}
            found["a label after the last class"] = {**plain, case.target: np.full_like(t, WIDE)}
    return found


@law(merges, of=NUMPY)
def merged(lib: Any, case: Case) -> None:
    """Merged statistics of blocks of classes are those of the whole."""
    for what, given in draws(case).items():
        wanted = outcome(case, given, (0, WIDE))
        for cuts in CUTS:
            got = outcome(case, given, cuts)
            alike(got, wanted, word=f" of {what}, cut at {cuts[1:-1]},")


@law(lambda case: case.kind == "labels" and merges(case), of=NUMPY)
def unknown(lib: Any, case: Case) -> None:
    """A label that is no class, or of which a NaN is said, makes NaN of the row, in any blocks."""
    for what, given in draws(case).items():
        if "label" not in what:
            continue
        for cuts in ((0, WIDE), *CUTS):
            value, _ = outcome(case, given, cuts)
            word = f"the value of {what}, cut at {cuts[1:-1]},"
            near(word, value, np.full_like(value, np.nan))


@law(merges, of=NUMPY)
def symmetric(lib: Any, case: Case) -> None:
    """A merge does not depend on which block comes first."""
    for what, given in draws(case).items():
        m = measured(case, given, (0, 5, WIDE))
        with np.errstate(all="ignore"):
            turned = m._replace(blocks=m.blocks[::-1])
            values = [np.asarray(m.kernel.value(m.xp, x.parts()[0])) for x in (m, turned)]
        near(f"the value of {what}", values[1], values[0], 4)


@law(merges, of=NUMPY)
def made(lib: Any, case: Case) -> None:
    """The gradient is the same with what `measure` made on the way, and without."""
    for what, given in draws(case).items():
        wanted = outcome(case, given, (0, WIDE))[1]
        got = outcome(case, given, (0, WIDE), made=True)[1]
        near(f"the gradient of {what} with `made`", got, wanted, scale=largest(wanted))


def slopes_in_target(kernel: Kernel, xp: Any, x: Any, target: Any, axis: Any) -> tuple[Any, ...]:
    """Return the kernel's gradient in each part of the target; nothing where it states none."""
    s, _ = kernel.measure(xp, x, target, axis)
    try:
        found = kernel.target_gradient(xp, x, target, s, np.ones_like(kernel.value(xp, s)), axis)
    except NoTargetGradientError:
        return ()
    return found if isinstance(found, tuple) else (found,)


@law(lambda case: case.kind in ("distributions", "target_logits", "binary"), of=NUMPY)
def target_gradient(lib: Any, case: Case) -> None:
    """The kernel's gradient in the target is the derivative of its value."""
    kernel, xp, x, t, plan = case.prepared(**case.draw(seed=31), **case.each)
    parts = t if isinstance(t, tuple) else (t,)

    def value(at: int, part: Any) -> Any:
        there = tuple(part if i == at else p for i, p in enumerate(parts))
        s, _ = kernel.measure(xp, x, there if isinstance(t, tuple) else part, plan.axis)
        made = np.asarray(kernel.value(xp, s))
        return made if plan.row_axis is None else made[..., 0]

    found = slopes_in_target(kernel, xp, x, t, plan.axis)
    for i, (got, part) in enumerate(zip(found, parts, strict=True) if found else ()):
        wanted = differences(partial(value, i), part)
        hold(f"part {i} of the gradient" if i else "the gradient", got, wanted, value(i, part))


@law(lambda case: bool(case.others), of=NUMPY)
def fields(lib: Any, case: Case) -> None:
    """The kernel's parameters are its fields: another number is another value of the same kernel."""
    given = case.draw(seed=32)
    before, kernel = case.problem(**given), _kernel(case, given, case.parameters)
    for name, x in case.others.items():
        other = _kernel(case, given, {**case.parameters, name: x})
        require(
            other.key == kernel.key,
            f"{name} = {x} makes another kernel of {name} = {case.parameters[name]}, which compiles "
            f"again: {other!r}, {kernel!r}; it must be a field of one class",
        )
        require(
            other.numbers != kernel.numbers,
            f"{name} is no field of {type(kernel).__qualname__}: it is {kernel!r} for "
            f"{name} = {case.parameters[name]} and {other!r} for {name} = {x}",
        )
        near(
            f"the value of a call before {name} changed", before.value(), case.function(**given), 0
        )


@law(lambda case: bool(case.counts), of=NUMPY)
def counted(lib: Any, case: Case) -> None:
    """Another count is another kernel, for which a program of its own is made."""
    given = case.draw(seed=32)
    kernel = _kernel(case, given, case.parameters)
    for name, x in case.counts.items():
        other = _kernel(case, given, {**case.parameters, name: x})
        same = other.key == kernel.key or other == kernel
        require(not same, f"{name} = {x} and {case.parameters[name]} are equal kernels: {other!r}")


def _kernel(case: Case, given: dict[str, Any], parameters: dict[str, Any]) -> Any:
    problem = vars(case.loss)["problem"](**given, **parameters)
    return problem.plan.kernel.filled(problem.operands.numbers.kernel)


@law(lambda case: bool(case.others), of=NUMPY)
def operands(lib: Any, case: Case) -> None:
    """A number of NumPy's is a number, and decides no dtype."""
    given = narrowed(case.draw())
    numbers = {k: np.float64(case.parameters[k]) for k in case.others}
    got = np.asarray(case.loss(**given, **{**case.parameters, **numbers}))
    require(got.dtype == np.float32, f"{', '.join(numbers)} of float64 make the loss {got.dtype}")
    near("the value", got, np.asarray(case.function(**given)), MODERATE)
