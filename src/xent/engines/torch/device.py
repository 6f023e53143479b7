"""Tensors on a device: what a plan computes is one program there, by torch's compiler.

Operation by operation a loss moves its logits ten times and more, and launches some sixty kernels and more;
compiled, one of labels reads them once. To compile takes seconds, so that a plan must have been worth it, by
one large call or by many.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from time import perf_counter
from types import FunctionType
from typing import Any

import array_api_compat.torch
import torch
from torch.utils._triton import has_triton

from xent._nested import mapped
from xent._plan import Operands, Plan
from xent._typing import Array
from xent.engines.slower import Slower
from xent.engines.torch.values import TRACED, UNSEEN, Unseen

KINDS = ("cuda", "xpu")
"""The kinds of devices that torch's compiler writes kernels for."""

WORTH, LEAST = 1 << 22, 1 << 16
"""The numbers that a plan has been given before it is compiled, and what a call counts for at the least."""

PROGRAMS = 512
"""Programs that are kept."""

PATIENCE = 300.0
"""Seconds that all programs of a process may take to compile: of ever other classes there is no end."""


FEW = 256
"""Rows below which a compiler cuts each into parts, which would be slower where there are many."""


@dataclass
class Program:
    """What computes a plan in one go.

    Attributes
    ----------
    met : how many numbers the plan was given
    run : the compiled function, None where it failed or is not there yet
    failed : whether it failed, so that the plan is computed operation by operation
    """

    met: int = 0
    run: Callable[..., Any] | None = None
    failed: bool = False


class Device(Unseen):
    """Runs each plan by its program; where there is none, as `Unseen` does."""

    def __init__(self, api: Any, library: str) -> None:
        super().__init__(api, library)
        self.program = lru_cache(maxsize=PROGRAMS)(lambda *key: Program())
        self.slower, self.spent = Slower("torch's compiler"), 0.0

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value."""
        return self._made("value", plan, operands)

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return the value and its gradient."""
        return self._made("value_and_gradient", plan, operands)

    def rows(self, plan: Plan, operands: Operands, w: Array | None = None) -> Any:
        """Return the loss of each row, with ``w`` the gradient of Σ w · loss too."""
        if w is None:
            return self._made("rows", plan, operands)
        return self._made("rows_and_gradient", plan, operands, w)

    rows_and_gradient = rows

    def of_chunk(self, plan: Plan, operands: Operands, features: Any) -> tuple[Array, Array]:
        """Return the value and the gradient of a chunk, rounded where it is made; features say how."""
        return self._made("of_chunk", plan, operands, features[:0])

    def _made(self, name: str, plan: Plan, operands: Operands, *w: Any) -> Any:
        """Return what the method of a name makes, by its program if that is worth it."""
        program = self._program(name, plan, operands)
        if program is not None and program.run is not None:
            try:
                return _run(program, plan, operands, w)
            except torch.OutOfMemoryError:
                pass  # block by block it takes less
            except Exception as error:  # of whatever part of a compiler
                program.failed, program.run = True, None
                self.slower.say(error)
        return getattr(UNSEEN, name)(plan, operands, *w)

    def _program(self, name: str, plan: Plan, operands: Operands) -> Program | None:
        """Return the program, compiled if its time has come; None where there can be none."""
        x: Any = operands.prediction
        if x.device.type not in KINDS or not has_triton() or not x.numel() or _is_watched():
            return None
        few = x.numel() < FEW * plan.classes
        program = self.program(name, plan, x.device, few, _kinds(operands))
        if program.run is None and not program.failed:
            program.met += max(x.numel(), LEAST)
            if program.met >= WORTH and self.spent < PATIENCE and not _captures(x):
                program.run = _compiled(name, plan, self._kernels)
        return program

    def _kernels(self, graph: Any, inputs: Any) -> Any:
        """Return a graph compiled, without warnings of how its kernels come out, and count the time."""
        start = perf_counter()
        try:
            # The filters are the process's; torch compiles one at a time.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return torch._dynamo.lookup_backend("inductor")(graph, inputs)
        finally:
            self.spent += perf_counter() - start


def _run(program: Program, plan: Plan, operands: Operands, w: tuple[Any, ...]) -> Any:
    """Run a program."""
    assert program.run is not None
    with torch.no_grad():
        return program.run(*_plain((operands, *w), operands.prediction, plan.axis))


_COUNT = count()


def _kinds(operands: Operands) -> tuple[Any, ...]:
    """Return of what dtype each operand is, and of how many axes: another would be another program."""
    parts = (y for x in operands[:-1] for y in (x if isinstance(x, tuple) else (x,)))
    return tuple((x.dtype, x.ndim) if isinstance(x, torch.Tensor) else type(x) for x in parts)


def _is_watched() -> bool:
    """Whether a mode or a transform sees each operation, which a program would hide from it."""
    return torch._C._len_torch_dispatch_stack() > 0 or torch._C._are_functorch_transforms_active()


def _captures(x: Any) -> bool:
    """Whether a graph of CUDA's is captured, which is no time to compile."""
    return x.is_cuda and torch.cuda.is_current_stream_capturing()


def _compiled(name: str, plan: Plan, kernels: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method of an engine as a program, of any number of rows, by a backend of the compiler."""

    def program(operands: Operands, *w: Any) -> Any:
        if not torch.compiler.is_compiling():  # a program that may not be compiled
            return getattr(UNSEEN, name)(plan, operands, *w)
        return getattr(TRACED, name)(plan, operands, *w)

    # torch makes no more than some programs of one code, and keeps by its name what sizes it has seen.
    code = program.__code__.replace(co_name=f"xent_{name}_{next(_COUNT)}")
    own = FunctionType(code, globals(), code.co_name, None, program.__closure__)
    return torch.compile(own, fullgraph=True, backend=kernels)


def _plain(x: Any, prediction: Any, axis: int | None) -> Any:
    """Return tensors of no graph, and numbers as tensors: another value compiles nothing again.

    The number of rows is said to be unknown, as that of classes is not: so a row is one loop.
    """

    def of(x: Any) -> Any:
        if not isinstance(x, torch.Tensor):
            dtype = torch.float32 if prediction.element_size() < 4 else prediction.dtype
            return torch.full((), x, dtype=dtype, device=prediction.device)
        x = x.detach()
        for i in range(x.ndim):
            if i != axis or x.ndim != prediction.ndim:
                torch._dynamo.maybe_mark_dynamic(x, i)
        return x

    return mapped(of, x)


DEVICE = Device(array_api_compat.torch, "torch")
