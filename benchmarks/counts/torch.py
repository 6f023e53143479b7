"""What torch's calls ask of a device: eager, eager by programs of its compiler, and compiled by the user."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from math import inf
from typing import Any
from unittest import mock

import torch
from torch.nn import functional
from torch.utils._python_dispatch import _disable_current_modes

import xent
from benchmarks.cases import binary, soft
from benchmarks.counts.cases import HEADS, MODES, Case
from benchmarks.counts.count import Count, Counted, Counter, by_mode
from benchmarks.counts.inductor import Kernel, Programs
from benchmarks.counts.torch_ops import Ops
from benchmarks.family import How
from xent.engines.torch import device


def make(kind: str, shape: tuple[int, ...], dtype: str) -> torch.Tensor:
    """Return a tensor without memory."""
    of_kind = torch.bool if kind == "flag" else getattr(torch, dtype or "float32")
    return torch.empty(shape, dtype=of_kind, device="meta")


def eager(call: Callable[..., Any], case: Case, mode: str) -> Count:
    """Count a call operation by operation."""
    arguments = _arguments(case, mode)
    with Ops() as ops:
        _step(call, arguments, mode)
    return _count(case, ops.bytes, ops.launches, ops.waits)


def by_programs(call: Callable[..., Any], case: Case, mode: str) -> Count:
    """Count an eager call whose plans are programs; what is beside them is counted as it is."""
    arguments = _arguments(case, mode)
    return _count(case, *on_device(lambda: _step(call, arguments, mode)))


def of_head(call: Callable[..., Any], case: Case, mode: str) -> Count:
    """Count likewise, after a small call, for which a device is asked once what it can multiply."""
    small = replace(case, shape=(256, 64), options={"chunk_bytes": 1 << 14})
    eager(call, small, MODES[1])
    return by_programs(call, case, mode)


def on_device(step: Callable[[], None]) -> tuple[int, int, int]:
    """Return the bytes that a step moves, its launches and waits, where each plan is a program."""
    with _with_compiler() as ran, Ops() as ops:
        step()
    moved = ops.bytes + sum(kernel.moved for kernel in ran)
    return moved, ops.launches + len(ran), ops.waits


def compiled(call: Callable[..., Any], case: Case, mode: str) -> Count | None:
    """Count a call that its user compiles, its backward pass with it."""
    programs = Programs()
    torch._dynamo.reset()
    torch.compile(call, backend=programs, fullgraph=True)(**_arguments(case, mode))
    if mode == MODES[1] and not any(kernel.backward for kernel in programs.kernels):
        return None  # a loss that torch can't differentiate on the `meta` device
    moved = sum(kernel.moved for kernel in programs.kernels)
    return _count(case, moved, len(programs.kernels))


def _count(case: Case, moved: int, launches: int, waits: int = 0) -> Count:
    return Count(round(moved / case.passed, 2), launches, waits)


def _arguments(case: Case, mode: str) -> dict[str, Any]:
    arguments = case.arguments(make)
    for name in arguments.keys() & set(case.wrt):
        arguments[name].requires_grad_(mode == MODES[1])
    return arguments


def _step(call: Callable[..., Any], arguments: dict[str, Any], mode: str) -> None:
    value = call(**arguments)
    if mode == MODES[1]:
        value.backward()


@contextmanager
def _with_compiler() -> Iterator[list[Kernel]]:
    """Take the `meta` device for one that torch's compiler writes programs for; what runs is listed."""
    programs, compiled = Programs(), device._compiled
    ran: list[Kernel] = []

    def counted(name: str, plan: Any, kernels: Any) -> Callable[..., Any]:
        run, own = compiled(name, plan, kernels), []

        def program(*given: Any) -> Any:
            before = len(programs.kernels)
            with _disable_current_modes():
                made = run(*given)
            own.extend(programs.kernels[before:])
            ran.extend(own)
            return made

        return program

    torch._dynamo.reset()
    with (
        mock.patch.multiple(
            device,
            KINDS=("meta",),
            LEAST=device.WORTH,
            has_triton=lambda: True,
            _is_watched=lambda: False,
            _compiled=counted,
        ),
        mock.patch.object(device.DEVICE, "program", lru_cache(lambda *key: device.Program())),
        mock.patch.object(torch._dynamo, "lookup_backend", return_value=programs),
    ):
        yield ran


def _own(case: Case, mode: str, count: Any) -> Count | None:
    """Count torch's own loss of a case, None where it has none."""
    if case.arrays.keys() - {"class_weight"} or case.options.keys() & {"softcap", "z_loss"}:
        return None
    return count(OWN[case.loss], case, mode)


def _cross_entropy(target: Any, logits: Any, class_weight: Any = None, **options: Any) -> Any:
    return functional.cross_entropy(logits, target, weight=class_weight, **options)


def _linear(target: Any, features: Any, weight: Any, bias: Any = None) -> Any:
    return functional.cross_entropy(functional.linear(features, weight, bias), target)


OWN = {
    xent.linear_cross_entropy: _linear,
    xent.cross_entropy: _cross_entropy,
    xent.kl_divergence: soft.torch(How()),
    xent.binary_cross_entropy: binary.torch(How()),
}


def _contenders(count: Callable[..., Count | None], own: Any = None) -> dict[str, Counter]:
    return {
        "xent": lambda case, mode: count(case.loss, case, mode),
        "torch": lambda case, mode: _own(case, mode, own or count),
    }


_EAGER = {
    "labels": (Count(1.0, 2), Count(5.0, 5)),
    "labels, many classes": (Count(1.0, 2), Count(4.0, 6)),
    "labels, many rows": (Count(1.01, 3), Count(4.01, 5)),
    "labels, small": (Count(2.1, 2), Count(7.0, 5)),
    "smoothed": (Count(2.0, 6), Count(6.0, 8)),
    "weighted": (Count(1.0, 2), Count(5.0, 5)),
    "sample weights": (Count(1.0, 2), Count(5.0, 5)),
    "ignored": (Count(1.0, 2), Count(5.0, 5)),
    "masked": (Count(1.0, 2), Count(5.0, 5)),
    "softcap": (Count(1.0, 3), Count(5.0, 6)),
    "z-loss": (Count(2.0, 3), Count(6.0, 5)),
    "soft targets": (Count(3.0, 2), Count(8.0, 5)),
    "KL": (Count(7.0, 2), Count(10.0, 6)),
    "binary": (Count(2.0, 2), Count(7.0, 5)),
}
_COMPILED = {
    "labels": (Count(1.0, 2), Count(3.0, 4)),
    "labels, many classes": (Count(1.0, 2), Count(3.0, 4)),
    "labels, many rows": (Count(1.01, 3), Count(3.02, 5)),
    "labels, small": (Count(2.1, 2), Count(5.3, 4)),
    "smoothed": (Count(2.0, 2), Count(4.0, 4)),
    "weighted": (Count(1.0, 2), Count(3.0, 4)),
    "sample weights": (Count(1.0, 2), Count(3.0, 4)),
    "ignored": (Count(1.0, 2), Count(3.0, 4)),
    "masked": (Count(1.0, 2), Count(3.0, 4)),
    "softcap": (Count(1.0, 2), Count(3.0, 4)),
    "z-loss": (Count(2.0, 2), Count(4.0, 5)),
    "soft targets": (Count(3.0, 3), Count(8.0, 4)),
    "KL": (Count(7.0, 3), Count(10.0, 4)),
    "binary": (Count(2.0, 2), Count(5.0, 3)),
}
_OPERATIONS = {
    "labels": (Count(10.0, 203), Count(16.0, 255)),
    "labels, many classes": (Count(23.0, 819), Count(55.0, 1846)),
    "labels, many rows": (Count(10.11, 51), Count(14.14, 66)),
    "labels, small": (Count(20.63, 51), Count(28.49, 66)),
    "smoothed": (Count(22.01, 391), Count(32.01, 579)),
    "weighted": (Count(10.0, 224), Count(16.01, 281)),
    "sample weights": (Count(10.0, 216), Count(16.01, 273)),
    "ignored": (Count(12.0, 230), Count(18.01, 288)),
    "masked": (Count(12.0, 229), Count(18.01, 287)),
    "softcap": (Count(16.0, 215), Count(45.0, 307)),
    "z-loss": (Count(20.01, 342), Count(33.01, 561)),
    "soft targets": (Count(28.5, 230), Count(41.51, 403)),
    "KL": (Count(91.01, 422), Count(120.01, 571)),
    "binary": (Count(56.0, 268), Count(102.0, 454)),
}
_HEADS = {
    "linear head": (Count(5.53, 16), Count(19.72, 32)),
    "linear head, bias": (Count(5.53, 19), Count(20.73, 44)),
}
_ROWS = ("labels", "labels, many classes", "labels, many rows")
_WEIGHED = ("smoothed", "weighted", "sample weights", "ignored", "masked", "softcap", "z-loss")
_GOALS = (
    dict.fromkeys(_ROWS, (Count(2.05, 12), Count(5.05, 24)))
    | dict.fromkeys(_WEIGHED, (Count(3, 20), Count(6, 40)))
    | {"labels, small": (Count(inf, 12), Count(inf, 24))}
    | {"soft targets": (Count(6, 20), Count(11, 40)), "KL": (Count(12, 20), Count(19, 40))}
    | {"binary": (Count(11, 20), Count(20, 40))}
)

EAGER = Counted(
    "torch, eager, by programs of its compiler",
    _contenders(by_programs, eager),
    by_mode(_EAGER),
    by_mode(_GOALS),
)
COMPILED = Counted(
    "torch, compiled",
    _contenders(compiled),
    by_mode(_COMPILED),
    by_mode(
        dict.fromkeys(_ROWS, (Count(1.05, 3), Count(3.05, 6)))
        | {"labels, small": (Count(inf, 3), Count(inf, 6))}
    ),
)
HEAD = Counted(
    "torch, a linear head of width 4096, eager, by programs of its compiler",
    _contenders(of_head, eager),
    by_mode(_HEADS),
    {("linear head", MODES[1]): Count(20, inf)},
    HEADS,
)
OPERATIONS = Counted(
    "torch, eager, where there is no compiler", _contenders(eager), by_mode(_OPERATIONS)
)
