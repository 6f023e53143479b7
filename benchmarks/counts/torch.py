"""What torch's calls ask of a device: eager, eager by programs of its compiler, and compiled by the user."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

import torch
from torch.nn import functional
from torch.utils._python_dispatch import _disable_current_modes

import xent
from benchmarks.counts.cases import MODES, Case
from benchmarks.counts.count import Count
from benchmarks.counts.inductor import Programs
from benchmarks.counts.torch_ops import Ops
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
    return Count(ops.bytes / case.passed, ops.launches, ops.waits)


def by_programs(call: Callable[..., Any], case: Case, mode: str) -> Count:
    """Count an eager call whose plans are programs; what is beside them is counted as it is."""
    programs, arguments = Programs(), _arguments(case, mode)
    with _with_compiler(programs), Ops() as ops:
        _step(call, arguments, mode)
    moved = ops.bytes + sum(kernel.moved for kernel in programs.kernels)
    return Count(moved / case.passed, ops.launches + len(programs.kernels), ops.waits)


def compiled(call: Callable[..., Any], case: Case, mode: str) -> Count:
    """Count a call that its user compiles, its backward pass with it."""
    programs = Programs()
    torch._dynamo.reset()
    torch.compile(call, backend=programs, fullgraph=True)(**_arguments(case, mode))
    moved = sum(kernel.moved for kernel in programs.kernels)
    return Count(moved / case.passed, len(programs.kernels))


def _arguments(case: Case, mode: str) -> dict[str, Any]:
    arguments = case.arguments(make)
    arguments["logits"].requires_grad_(mode == MODES[1])
    return arguments


def _step(call: Callable[..., Any], arguments: dict[str, Any], mode: str) -> None:
    value = call(**arguments)
    if mode == MODES[1]:
        value.backward()


@contextmanager
def _with_compiler(programs: Programs) -> Iterator[None]:
    """Take the `meta` device for one that torch's compiler writes programs for."""
    run = device._run

    def unseen(*given: Any) -> Any:
        with _disable_current_modes():
            return run(*given)

    torch._dynamo.reset()
    with (
        mock.patch.multiple(
            device,
            KINDS=("meta",),
            LEAST=device.WORTH,
            has_triton=lambda: True,
            _is_watched=lambda: False,
            _run=unseen,
        ),
        mock.patch.object(device.DEVICE, "programs", {}),
        mock.patch.object(torch, "compile", partial(torch.compile, backend=programs)),
    ):
        yield


def _own(case: Case, mode: str, count: Any) -> Count | None:
    """Count torch's own loss of a case, None where it has none."""
    if case.arrays.keys() - {"class_weight"} or case.options.keys() & {"softcap", "z_loss"}:
        return None
    return count(OWN[case.loss], case, mode)


def _cross_entropy(target: Any, logits: Any, class_weight: Any = None, **options: Any) -> Any:
    return functional.cross_entropy(logits, target, weight=class_weight, **options)


def _kl_divergence(target: Any, logits: Any) -> Any:
    log_probs = functional.log_softmax(logits, dim=-1)
    return functional.kl_div(log_probs, target, reduction="batchmean")


def _binary(target: Any, logits: Any) -> Any:
    return functional.binary_cross_entropy_with_logits(logits, target)


OWN = {
    xent.cross_entropy: _cross_entropy,
    xent.kl_divergence: _kl_divergence,
    xent.binary_cross_entropy: _binary,
}
