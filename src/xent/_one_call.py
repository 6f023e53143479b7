"""A loss of ours as one call to torch.compile, which else reads all that it runs through.

Read, each name that our code meets is a guard, which is checked in every call of the program, and all of
them take longer than a small loss. So Dynamo is given one call that it does not look into, and AOTAutograd
traces that by the rules that run without a compiler. What says so to Dynamo stands here, and not among
torch's engine: it must be there before a tensor is met, and `import xent` loads no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, NamedTuple

from xent._ours import LOSSES

_PLAIN = (type(None), bool, str)
_CONSTANTS, _OFF_AT_ZERO = ("axis", "ignore_index"), ("label_smoothing", "z_loss")


class _Made(NamedTuple):
    """A problem that is solved."""

    made: Any

    def value(self) -> Any:
        """Return the value."""
        return self.made


def asked(problem: Any, loss: Callable[..., Any], *, looks: bool) -> Any:
    """Return what makes the problem of a call whose value alone is asked for, in place of ``problem``.

    Of a loss of ours it is another function of the same code, and torch.compile reads a third in its place.
    A loss that is made of a body of ours by `functools.wraps` has the name of ours, and is another.
    """
    name = f"{loss.__module__}.{loss.__qualname__}"
    if not name.startswith("xent.losses.") or name in LOSSES:
        return problem

    def read(*args: Any, **kwargs: Any) -> Any:
        if _may_be_one(args, kwargs):
            from xent.engines.torch.one_call import in_one_call  # which loads the compiler

            made = in_one_call(name, args, {k: _constant(k, x) for k, x in kwargs.items()})
            if made is not None:
                return _Made(made)
        return problem(*args, **kwargs)

    LOSSES[name] = problem, looks
    same = FunctionType(problem.__code__, problem.__globals__, closure=problem.__closure__)
    vars(same)["_torchdynamo_inline"] = read  # as torch's own compiled functions have it
    return same


def _constant(key: str, x: Any) -> Any:
    """Return a 0 for what is one here, of which a compiler may have a symbol, as for what was none before."""
    return 0.0 if key in _OFF_AT_ZERO and type(x) in (int, float) else x


def _may_be_one(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether all that is given are plain tensors, of which one at least is there, and constants.

    A number, a tensor too, may be another in the next call, or be differentiated: it is left to the
    compiler, but for a 0 where that changes nothing. So are subclasses, which have engines of their own, and
    what lies on a device, where a call's gradient is made in one pass over the logits more.
    """
    tensors = False
    for key, x in (*enumerate(args), *kwargs.items()):
        kind = type(x)
        if kind.__module__ in ("torch", "torch.nn.parameter") and getattr(x, "ndim", 0) > 0:
            tensors = x.device.type == "cpu"
            if not tensors:
                return False
        elif kind is int or kind is float:
            if key not in _CONSTANTS and (key not in _OFF_AT_ZERO or x != 0):
                return False
        elif kind not in _PLAIN:
            return False
    return tensors
