"""torch: its autograd, its transforms and its compiler against the loss's own gradient."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np
import torch

from xent.testing.case import Case
from xent.testing.compare import alike, has_rows, law, near
from xent.testing.libraries import Library


class Torch(Library):
    """Tensors on the CPU."""

    halves = ("float16", "bfloat16")

    def asarray(self, x: Any) -> Any:
        """Return a NumPy array as a tensor."""
        return torch.from_numpy(np.array(x))

    def numbers(self, x: Any) -> Any:
        """Return a tensor as a NumPy array."""
        return x.detach().cpu().numpy()

    def owns(self, x: Any) -> bool:
        """Whether ``x`` is a tensor."""
        return isinstance(x, torch.Tensor)

    def half(self, x: Any, dtype: str) -> Any:
        """Return a NumPy array in half precision."""
        return torch.from_numpy(x).to(getattr(torch, dtype))

    def float32(self, x: Any) -> Any:
        """Return a tensor in float32."""
        return x.float()

    def gradients(self, function: Any, given: dict[str, Any], name: str) -> dict[str, Any]:
        """Return the gradients of the summed value with respect to one argument, by how."""
        total, x = self.total(function, given, name)
        x.requires_grad_()
        (backward,) = torch.autograd.grad(total(x), x)
        (graphed,) = torch.autograd.grad(total(x), x, create_graph=True)
        functional = torch.func.grad(total)(x.detach())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own, of its forward mode
            forward = torch.func.jacfwd(total)(x.detach())
        found = {
            "by backward": backward,
            "by backward with a graph": graphed,
            "by torch.func.grad": functional,
            "by torch.func.jacfwd": forward,
        }
        return {how: self.numbers(g) for how, g in found.items()}

    def hessian(self, function: Any, given: dict[str, Any], name: str) -> Any:
        """Return the second derivative of the summed value of one row."""
        total, x = self.total(function, given, name)
        (g,) = torch.autograd.grad(total(x.requires_grad_()), x, create_graph=True)
        if g.grad_fn is None:  # a gradient that is a constant
            return np.zeros((x.shape[-1], x.shape[-1]))
        rows = [
            torch.autograd.grad(g[0, k], x, retain_graph=True, allow_unused=True)[0]
            for k in range(x.shape[-1])
        ]
        return np.stack([np.zeros(x.shape[-1]) if r is None else self.numbers(r[0]) for r in rows])


LIBRARY = Torch("torch")


@law(of=("torch",))
def compiled(lib: Any, case: Case) -> None:
    """torch.compile takes it whole, and the result is the same."""
    given = case.draw(seed=50)
    value, gradient = lib.run(case.both, **given)
    arrays = lib.arrays(given)
    x = arrays.pop(case.form).requires_grad_()
    torch._dynamo.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the compiler thinks of other packages
        function = torch.compile(case.function, fullgraph=True, backend="eager")
        made = function(**arrays, **{case.form: x})
        made.sum().backward()
    alike((lib.numbers(made), lib.numbers(x.grad)), (value, gradient), 4)


@law(has_rows, of=("torch",))
def mapped(lib: Any, case: Case) -> None:
    """torch.func.vmap over rows gives the rows."""
    arrays = lib.arrays(case.draw(seed=51))
    wanted = lib.numbers(case.function(**arrays, **case.each))
    names = list(arrays)

    def one(*rows: Any) -> Any:
        return case.function(**dict(zip(names, rows, strict=True)), **case.each)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of what it batches slowly
        got = torch.func.vmap(one)(*arrays.values())
    near("the value", lib.numbers(got), wanted, 8)


@law(lambda case: bool(case.others), of=("torch",))
def traced(lib: Any, case: Case) -> None:
    """A parameter that is a number may be a tensor."""
    arrays = lib.arrays(case.draw(seed=52))
    wanted = lib.numbers(case.function(**arrays))
    own = {
        k: torch.tensor(float(x), dtype=torch.float64) if isinstance(x, float) else x
        for k, x in case.items
    }
    near("the value", lib.numbers(partial(case.loss, **own)(**arrays)), wanted, 4)
