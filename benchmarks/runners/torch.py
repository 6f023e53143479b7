"""torch, eager and compiled, on the CPU and on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from benchmarks.family import MissingError
from benchmarks.runners.base import Call, Runner, Step


class Torch(Runner):
    """Gradients by ``.backward()``, as users take them."""

    def _ready(self, function: Callable[..., Any]) -> Callable[..., Any]:
        # dynamic=False: a second shape would otherwise be compiled for all shapes, and slower.
        return torch.compile(function, dynamic=False) if self.compiled else function

    def _wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def place(self, array: np.ndarray, dtype: str) -> Any:
        """Return a tensor; on the CPU it shares memory where the dtype is the array's own."""
        tensor = torch.from_numpy(array)
        if tensor.is_floating_point():
            tensor = tensor.to(getattr(torch, dtype))
        return tensor.to(self.device)

    def forward(self, loss: Callable[..., Any], inputs: Sequence[Any]) -> Call:
        """Return a call of ``loss`` without a graph: no input requires a gradient."""
        function = self._ready(loss)

        def call() -> Any:
            value = function(*inputs)
            self._wait()
            return value

        return call

    def both(self, step: Step) -> Call | None:
        """Return a call of the loss and of its backward pass."""
        function = self._ready(step.loss)
        given = list(step.inputs)
        for index in step.wrt:
            given[index] = given[index].detach().requires_grad_()
        leaves = [given[index] for index in step.wrt]

        def call() -> Any:
            for leaf in leaves:
                leaf.grad = None
            value = function(*given)
            value.backward()
            self._wait()
            gradients = tuple(leaf.grad for leaf in leaves)
            # Not kept on the leaf: the next call would hold two.
            for leaf in leaves:
                leaf.grad = None
            return value.detach(), gradients

        return call

    def host(self, array: Any) -> np.ndarray:
        """Return a result in float32 or float64."""
        array = array.detach().cpu()
        return (array.float() if array.dtype in (torch.float16, torch.bfloat16) else array).numpy()

    def forget(self) -> None:
        """Drop what was compiled for other shapes."""
        if self.compiled:
            torch.compiler.reset()

    def extra_memory(self, call: Call) -> int | None:
        """Return the operating system's figure, or on a GPU the allocator's own."""
        if self.device == "cpu":
            return super().extra_memory(call)
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        result = call()
        extra = torch.cuda.max_memory_allocated() - before
        del result
        return int(extra)


def make(name: str, compiled: bool = False, device: str = "cpu") -> Runner:
    """Return the runner."""
    if device == "cuda" and not torch.cuda.is_available():
        raise MissingError("torch sees no GPU")
    return Torch(name, device, compiled)
