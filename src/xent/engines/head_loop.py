"""The loss of a linear head, chunk by chunk: a matmul makes some rows of logits, the loss drops them.

For each chunk of rows one of these:

- each element is a row by itself: value and gradient, one strip of classes after another;
- the rows fit, and the engine measures them itself: the same, in one strip;
- else the strips are measured one after another and merged, and gradients made in a round of their own.

The divisor of a mean is known before the first product, so that each chunk's share of the value and its
gradient are final. How a library loops, and how it adds to what it has, is said by its `Loops`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from xent import _dtype, _parts
from xent._beside import slopes_of, values_of
from xent._kernel import Statistics
from xent._linear import Block, Cut, Gradients, Head, Made, Sums, Wanted
from xent._plan import Operands, Plan
from xent._rounds import Rounds, in_rounds
from xent._target import along
from xent._typing import Array
from xent.engines.columns import Columns, slopes_of_both, value_of_both
from xent.engines.loops import Loops


def run(
    loops: Loops,
    plan: Plan,
    head: Head,
    operands: Operands,
    wanted: Wanted | None = None,
) -> tuple[Any, Gradients | None]:
    """Return the value, with those beside it if any, and the gradients that are wanted.

    Of ``operands``, divided by the divisor of all rows, the prediction is not used, and all with an
    entry per row are flat in the rows.
    """
    xp, each, mutual = loops.xp, plan.reduction == "none", plan.mutual
    columns = Columns(loops, plan, operands, head.features) if mutual and not loops.once else None
    plan = replace(plan, overwrites=not (plan.penalty or mutual), mutual=mutual and loops.once)
    of_chunk = _by_engine if plan.row_axis is None or loops.measures else _merged
    features_too = wanted is not None and wanted[0]
    block_of = partial(_block, loops, plan, head)

    def one(sums: Sums, features: Array, some: Operands) -> tuple[Sums, Made]:
        block = block_of(features, some)
        known = None if columns is None else columns.merged(sums.columns, block, some)
        some = _with_teacher(loops, some)
        down = loops.down_total(block) if features_too else None
        gradients = None if wanted is None else Gradients(down, sums.weight, sums.bias)
        value, added = of_chunk(loops, plan, block, some, gradients, columns)
        value, beside = value if plan.beside else (value, ())
        down, weight, bias = added or (None, None, None)
        down = None if down is None else _dtype.cast(xp, down, features.dtype)
        total = sums.value if each else sums.value + value
        return Sums(total, weight, bias, known), Made(value if each else None, down, beside)

    known = None if columns is None else columns.begun(block_of, sweeps=wanted is not None)
    sums, made = loops.over_rows(one, _nothing(loops, head, wanted, known), operands)
    value: Any = made.value if each else sums.value
    value = value if columns is None else value + columns.value(sums.columns)
    value = (value, made.beside) if plan.beside else value
    if wanted is None:
        return value, None
    weight = None if sums.weight is None else loops.rounded(sums.weight)
    bias = None if sums.bias is None else _dtype.cast(xp, sums.bias, head.weight.dtype)
    return value, Gradients(made.features, weight, bias)


def _nothing(loops: Loops, head: Head, wanted: Wanted | None, columns: Any) -> Sums:
    """Return the sums of no rows."""
    _, weight_too, bias_too = wanted or (False, False, False)
    weight = loops.weight_total() if weight_too else None
    bias = loops.zeros(head.bias.shape) if bias_too and head.bias is not None else None
    return Sums(loops.zeros(()), weight, bias, columns)


def _block(loops: Loops, plan: Plan, head: Head, features: Array, some: Operands) -> Block:
    """Return the rows that have these features, and are not taken out."""
    return loops.block(clean(loops.xp, plan, some, features), head)


def _with_teacher(loops: Loops, some: Operands) -> Operands:
    """Return operands with the rows of a second head in the place of what it is made of."""
    if some.target_weight is None:
        return some
    teacher = Head(some.target, some.target_weight, some.target_bias)
    return some._replace(target=loops.block(some.target, teacher))


def clean(xp: Any, plan: Plan, operands: Operands, features: Array) -> Array:
    """Return features, 0 in rows taken out: 0 · NaN would reach the weight's gradient (R9)."""
    keep = operands.where
    if keep is None:
        return features
    keep = keep if plan.row_axis is not None else xp.any(keep, axis=1)
    return xp.where(along(keep, 1), features, xp.zeros_like(features))


def with_target(xp: Any, plan: Plan, operands: Operands, product: Callable[..., Any]) -> Operands:
    """Return operands whose target are logits, by ``product(features, weight, bias)`` of a second head."""
    if operands.target_weight is None:
        return operands
    features = clean(xp, plan, operands, operands.target)
    logits = product(features, operands.target_weight, operands.target_bias)
    return operands._replace(target=logits, target_weight=None, target_bias=None)


def with_logits(
    xp: Any, plan: Plan, operands: Operands, product: Callable[..., Any], head: Head
) -> tuple[Array, Operands]:
    """Return the features that count, and operands with the logits made of them, and of a second head's."""
    features = clean(xp, plan, operands, head.features)
    operands = with_target(xp, plan, operands, product)
    return features, operands._replace(prediction=product(features, head.weight, head.bias))


def _by_engine(
    loops: Loops,
    plan: Plan,
    block: Block,
    operands: Operands,
    gradients: Any,
    columns: Columns | None,
) -> tuple[Any, Any]:
    """Return the value of some rows, and the gradients with what these add, strip by strip."""
    each = plan.reduction == "none"

    def added(cut: Cut, carry: Any) -> Any:
        value, gradients = carry
        z = loops.logits(block, cut)
        some = _of_classes(loops, plan, operands, z, cut)
        if gradients is None:
            more = values_of(partial(value_of_both, loops.value, loops.xp), plan, some)
        else:
            if plan.mutual:
                more, g = slopes_of_both(loops.unrounded, loops.xp, plan, some)
                g = loops.factor(g)
            elif columns is not None:
                more, g = loops.unrounded(plan, some)
                g = loops.factor(columns.added(g, z, operands, cut))
            else:
                more, g = slopes_of(loops.value, loops.value_and_gradient, plan, some)
            gradients = _added(loops, gradients, g, block, cut)
        if value is None:
            return more, gradients
        return loops.put(value, cut, more) if each else value + more, gradients

    shape = (block.features.shape[0], block.head.weight.shape[0]) if each else ()
    value = None if loops.single else loops.zeros(shape)
    carry: Any = value, gradients
    return loops.over_classes(added, carry)


def _merged(
    loops: Loops,
    plan: Plan,
    block: Block,
    operands: Operands,
    gradients: Any,
    columns: Columns | None,
) -> tuple[Any, Any]:
    """Return the same of rows whose strips are measured one after another and merged."""
    xp, rows = loops.xp, operands._replace(prediction=block.features)

    def strip(cut: Cut) -> Operands:
        return _of_classes(loops, plan, rows, loops.logits(block, cut), cut)

    def measured(rounds: Rounds) -> list[Statistics]:
        def merged(cut: Cut, before: Any) -> Any:
            more = _parts.measure(xp, plan, strip(cut), cut.first, rounds)
            return more if before is None else _parts.merge(xp, rounds, before, more)

        made: Any = loops.over_classes(merged, None)
        every = zip(rounds, made, strict=True)
        return [None if now is None else loops.complete(now.kernel, s) for now, s in every]

    statistics = in_rounds(_parts.kernels(plan, rows), measured, whole=loops.alone)
    value, shares = _parts.value_and_shares(xp, plan, rows, statistics)
    if gradients is None:
        return value, None

    def added(cut: Cut, gradients: Any) -> Any:
        some = strip(cut)
        g = _parts.gradient(xp, plan, some, cut.first, statistics, shares)
        if columns is not None:
            g = columns.added(g, some.prediction, operands, cut)
        return _added(loops, gradients, _dtype.cast(xp, g, block.features.dtype), block, cut)

    return value, loops.over_classes(added, gradients)


def per_row(operands: Operands) -> dict[str, Any]:
    """Return the operands that have entries for each row, by name."""
    names = ("target", "target_probs", "sample_weight", "where", "pos_weight")
    given = {name: x for name in names if (x := getattr(operands, name)) is not None}
    if "pos_weight" in given and given["pos_weight"].ndim < 2:
        del given["pos_weight"]
    return given


def _of_classes(loops: Loops, plan: Plan, operands: Operands, logits: Array, cut: Cut) -> Operands:
    """Return operands cut to some classes; where each is a row by itself, weights and masks too."""
    wide = ["sample_weight", "where", "pos_weight"] if plan.row_axis is None else []
    wide += ["class_weight"] if plan.target.by_label else ["class_weight", "target"]
    if isinstance(operands.target, Block):
        made = loops.logits(operands.target, cut)
        operands = operands._replace(target=made, target_weight=None, target_bias=None)
        wide.remove("target")
    some: dict[str, Any] = {
        name: loops.some(x, cut)
        for name in wide
        if (x := getattr(operands, name)) is not None and x.ndim > 0 and x.shape[-1] != 1
    }
    return operands._replace(prediction=logits, **some)


def _added(loops: Loops, gradients: Any, g: Array, block: Block, cut: Cut) -> Gradients:
    """Return the gradients of features, weight and bias with the share of a strip's logits."""
    down, weight, bias = gradients
    if down is not None:
        down = loops.add_down(down, g, block, cut)
    if weight is not None:
        weight = loops.add_weight(weight, g, block.features, cut)
    if bias is not None:
        bias = loops.add_bias(bias, g, cut)
    return Gradients(down, weight, bias)
