"""What a tensor is: whether its values are there, and whether a derivative may be asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import get_proxy_mode

from xent._nested import leaves

HOST = "cpu"
"""The kind of device where a look at a value costs nothing."""

_functorch = torch._C._functorch  # torch has no public way to tell a tensor that stands for others

_modes, _included = (
    torch._C._len_torch_dispatch_stack,
    torch._C._dispatch_tls_is_dispatch_key_included,
)
_BEFORE = torch._C.DispatchKey.PreDispatch
"""Whether any mode sees each operation, asked in C: the question which one it is takes Python four calls."""


def eager(tensors: Iterable[Any]) -> bool:
    """Whether the values of all tensors are there, on whatever device; None stands for no tensor.

    What `torch.export` traces is of a class of its own, which says what each operation does; what `make_fx`
    does may be a plain tensor, whose values would be those of the example.
    """
    if torch.compiler.is_dynamo_compiling() or torch._C._get_tracing_state() is not None:
        return False
    if (_modes() or _included(_BEFORE)) and (get_proxy_mode() is not None or _fakes()):
        return False
    for x in tensors:
        if x is not None and (
            type(x).__torch_dispatch__ is not Tensor.__torch_dispatch__
            or _functorch.is_functorch_wrapped_tensor(x)
            or _functorch.is_legacy_batchedtensor(x)
        ):
            return False
    return True


def _fakes() -> bool:
    """Whether what is computed has no values, of whatever it is made."""
    return torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE) is not None


def has_followed(numbers: Any) -> bool:
    """Whether a transform, or forward mode, follows one of nested numbers, of which no rule of ours knows."""
    return not torch.compiler.is_dynamo_compiling() and any(
        isinstance(x, Tensor) and (_functorch.is_functorch_wrapped_tensor(x) or _is_dual(x))
        for x in leaves(numbers)
    )


def is_traced() -> bool:
    """Whether torch.compile is at work, on what is to run in this process, outside of any transform."""
    return torch.compiler.is_dynamo_compiling() and not (is_exported() or is_transformed())


def loses_rules() -> bool:
    """Whether torch.compile reads what a transform is to differentiate, and would lose our rules on it."""
    return torch.compiler.is_dynamo_compiling() and is_transformed()


def is_left_to_compiler() -> bool:
    """Whether an elementary function goes to the compiler, or into the program that is exported, as it is."""
    return torch.compiler.is_dynamo_compiling() or is_exported()


def is_exported() -> bool:
    """Whether what is traced leaves this process as a program, of which autograd makes derivatives."""
    compiler: Any = torch.compiler
    # torch 2.11 says that it exports whatever it compiles, but for the flag itself.
    return bool(compiler.is_exporting() and getattr(compiler, "_is_exporting_flag", True))


def is_transformed() -> bool:
    """Whether what a compiler sees is differentiated by it, in a transform or forwards: not by our rules."""
    return torch._C._are_functorch_transforms_active() or has_tangents()


def has_tangents() -> bool:
    """Whether what a tensor is made of may have tangents, in forward mode."""
    return forward_ad._current_level >= 0


def visible(tensors: Iterable[Any]) -> bool:
    """Whether the values of all tensors are there, and in host memory."""
    tensors = list(tensors)
    for x in tensors:
        if x is not None and x.device.type != HOST:
            return False
    return eager(tensors)


def wants_graph(x: Any) -> bool:
    """Whether autograd will ask for the derivative of ``x`` backwards, and in no other way."""
    return x.requires_grad and torch.is_grad_enabled() and not _is_dual(x)


def is_recorded(tensors: Iterable[Any]) -> bool:
    """Whether autograd may follow one of tensors whose values are there, backwards or forwards."""
    if forward_ad._current_level >= 0:
        return True
    if torch.is_grad_enabled():
        for x in tensors:
            if x is not None and x.requires_grad:
                return True
    return False


def recorded_alone(tensors: Iterable[Any]) -> bool:
    """Whether values are there for autograd to follow backwards, and in no other way."""
    return torch.is_grad_enabled() and eager(tensors) and not is_transformed()


def differentiable(tensors: Iterable[Any]) -> bool:
    """Whether a derivative with respect to one of the tensors may be asked for.

    Not of what `torch.jit.trace` writes down, which no derivative of ours can be part of.
    """
    if torch._C._get_tracing_state() is not None:
        return False
    recorded = torch.is_grad_enabled()
    floating = [x for x in tensors if x is not None and x.is_floating_point()]
    for x in floating:
        if x.requires_grad and recorded:
            return True
    if torch.compiler.is_dynamo_compiling():
        return False
    for x in floating:
        if (
            _functorch.is_functorch_wrapped_tensor(x)
            or _functorch.is_legacy_batchedtensor(x)
            or (forward_ad._current_level >= 0 and _is_dual(x))
        ):
            return True
    return False


def once_forwards() -> None:
    """Raise in a forward mode that is inside another: torch would make 0 of what both differentiate."""
    stack = _functorch.get_interpreter_stack() or ()
    if sum(i.key() == _functorch.TransformType.Jvp for i in stack) > 1:
        raise NotImplementedError(
            "torch differentiates no function of ours forwards twice; take one of both backwards, as "
            "torch.func.hessian does: jacfwd(jacrev(f))"
        )


def _is_dual(x: Any) -> bool:
    return forward_ad._current_level >= 0 and forward_ad.unpack_dual(x).tangent is not None


def bare(x: Any, wrapped: Any = _functorch.is_functorch_wrapped_tensor) -> Any:
    """Return the tensor inside the wrappers of `torch.func`: those of a kind, or all.

    All are those of a number that no transform maps or moves.
    """
    while wrapped(x):
        x = _functorch.get_unwrapped(x)
    return x


def unfollowed(x: Any) -> Any:
    """Return the tensor of the same values inside what `torch.func` follows a derivative by."""
    return bare(x, _functorch.is_gradtrackingtensor)


def symbol(x: float, dtype: Any, device: Any) -> Any:
    """Return a number as a tensor: by a product, since a compiler makes a constant of what `full` takes."""
    return torch.ones((), dtype=dtype, device=device) * x


def number(x: Any, like: Any) -> Any:
    """Return a number as it is, or as a tensor where a compiler has a symbol for it, and makes no guard.

    It has one for what it meets a second time with another value; the first has a guard anyway, and its
    powers are quick.
    """
    compiled = isinstance(x, float) and torch.compiler.is_compiling()
    return symbol(x, like.dtype, like.device) if compiled and not is_static(x) else x


def is_static(x: Any) -> bool:
    """Whether a compiler knows the value of a number, and has no symbol for it."""
    from torch.fx.experimental.symbolic_shapes import has_static_value  # which takes long to load

    return has_static_value(x)
