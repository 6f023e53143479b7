"""What torch's compiler makes for a GPU of a call, read from the kernels that it writes, without a GPU.

The compiler is given tensors without memory, and told before it lowers their graph that they lie on a GPU
whose properties it is told too. It then writes the same kernels as there, which are not run. What it
asks of Triton and of a driver on the way is answered here: all of this is of torch's own insides, of the
one version that is tested.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from math import prod
from typing import Any, NamedTuple
from unittest import mock

import torch
from torch._dynamo import device_interface
from torch._functorch import config as functorch
from torch._inductor import compile_fx, config, scheduler
from torch._inductor.debug import DebugContext
from torch._inductor.fx_passes import joint_graph
from torch._inductor.graph import GraphLowering
from torch._inductor.virtualized import V
from torch._subclasses.fake_tensor import FakeTensor

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


class _H100:
    """The properties of a device, as the compiler asks for them."""

    name, major, minor, multi_processor_count, warp_size = "NVIDIA H100", 9, 0, 132, 32
    max_threads_per_multi_processor, max_threads_per_block = 2048, 1024
    regs_per_multiprocessor, total_memory, L2_cache_size = 65536, 80 << 30, 50 << 20
    shared_memory_per_block_optin, shared_memory_per_multiprocessor = 227 << 10, 228 << 10


class _Interface(device_interface.CudaInterface):
    """A device that is there, and has these properties."""

    class Worker(device_interface.CudaInterface.Worker):
        get_device_properties = staticmethod(lambda device=None: _H100)
        current_device = staticmethod(lambda: 0)

    get_device_properties = staticmethod(lambda device=None: _H100)
    get_compute_capability = staticmethod(lambda device=None: 90)
    current_device = staticmethod(lambda: 0)
    is_available = staticmethod(lambda: True)
    is_triton_capable = staticmethod(lambda device=None: True)
    raise_if_triton_unavailable = staticmethod(lambda device=None: None)


class Kernel(NamedTuple):
    """What a kernel of a program moves, in bytes, and whether it is of a backward pass."""

    moved: int
    backward: bool


class Programs:
    """A backend of `torch.compile` that writes programs for a GPU, and runs what it was given.

    Attributes
    ----------
    kernels : of all programs that were written
    """

    def __init__(self) -> None:
        self.kernels: list[Kernel] = []

    def __call__(self, gm: torch.fx.GraphModule, inputs: Any) -> Callable[..., Any]:
        """Write the program of a graph, and return what computes it as it is."""
        fake = torch._guards.TracingContext.get().fake_mode
        inputs = [fake.from_tensor(x) if isinstance(x, torch.Tensor) else x for x in inputs]
        with _told():
            program = _moved(deepcopy(gm), CPU)  # which autograd knows, as it does not know `meta`
            compile_fx.compile_fx(program, _moved(inputs, CPU), inner_compile=self._write)
        return gm.forward

    def _write(self, gm: Any, inputs: Any, **how: Any) -> Callable[..., Any]:
        gm, inputs = _moved(gm, GPU), _moved(list(inputs), GPU)
        fake = torch._guards.detect_fake_mode(inputs)
        given = {"is_inference": how.get("is_inference", False)}
        compile_fx.record_original_output_strides(gm)
        with V.set_fake_mode(fake):
            compile_fx._recursive_post_grad_passes(gm, **given)
            backward = how.get("is_backward", False)
            graph = GraphLowering(gm, inputs, fake.shape_env, is_backward=backward, **given)
            with V.set_graph_handler(graph), V.set_debug_handler(DebugContext()):
                graph.run(*inputs)
                source = graph.codegen()[0].value
                self.kernels += [Kernel(moved, backward) for moved in moves(source, graph)]
        return gm.forward


@contextmanager
def _told() -> Iterator[None]:
    """Answer what the compiler asks of a device and of Triton."""
    with ExitStack() as stack:
        for owner, name, answer in (
            (torch.cuda, "get_device_properties", lambda device=None: _H100),
            (scheduler, "has_triton", lambda *device: True),
            (torch.utils._triton, "triton_hash_with_backend", lambda: ""),
            # Patterns are traced on the device that is asked about first.
            (joint_graph, "lazy_init", lambda device=None, first=joint_graph.lazy_init: first(CPU)),
        ):
            stack.enter_context(mock.patch.object(owner, name, answer))
        device_interface.get_interface_for_device("cuda")  # which registers all, once
        known = {**device_interface.device_interfaces, "cuda": _Interface, "cuda:0": _Interface}
        stack.enter_context(mock.patch.dict(device_interface.device_interfaces, known))
        # To fold a constant it would be computed on the device.
        stack.enter_context(config.patch(joint_graph_constant_folding=False))
        stack.enter_context(functorch.patch(force_non_lazy_backward_lowering=True))
        yield


def _moved(x: Any, device: torch.device) -> Any:
    """Return a fake tensor, a device, or a graph of such, on another device."""
    if isinstance(x, (list, tuple)):
        return type(x)(_moved(part, device) for part in x)
    if isinstance(x, torch.device):
        return device
    if isinstance(x, torch.fx.GraphModule):
        for part in (part for part in x.modules() if isinstance(part, torch.fx.GraphModule)):
            for node in part.graph.nodes:
                _move(node, device)
            part.recompile()
        return x
    if not isinstance(x, FakeTensor):
        return x
    with torch.no_grad():
        empty = torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device="meta")
        return FakeTensor(x.fake_mode, empty, device, requires_grad=x.requires_grad)


def _move(node: Any, device: torch.device) -> None:
    if "val" in node.meta:
        node.meta["val"] = _moved(node.meta["val"], device)
    node.kwargs = {name: _moved(x, device) for name, x in node.kwargs.items()}
    node.args = tuple(_moved(x, device) if isinstance(x, torch.device) else x for x in node.args)


_SIZES = {"fp64": 8, "i64": 8, "fp32": 4, "i32": 4, "fp16": 2, "bf16": 2, "i16": 2} | dict.fromkeys(
    ("i8", "u8", "i1"), 1
)
_DEFINED = re.compile(r"^(triton_\w+) = async_compile\.triton\('.*?'''(.*?)'''", re.M | re.S)
_RUN = re.compile(r"^ *(triton_\w+)\.run\((.*), stream=", re.M)
_COUNTED = re.compile(r"^ *(triton_\w+numel) = (.+)$", re.M)
_SIGNATURE = re.compile(r"'signature': \{(.*?)\}")
_EXTERN = re.compile(r"^ *(?:extern_kernels\.|buf\w+ = (?:torch\.ops|aten)\.).*", re.M)
_ACCESS = re.compile(r"tl\.(?:load|store|atomic_add)\((\w+) \+ \((.*)")
_INDEX = re.compile(
    r"^ *([xyzr]\d*_?\d*) = \(*([xyzr]\d?_?)index(?: // (\w+)\)?)?(?: % (\w+))?", re.M
)


def moves(source: str, graph: Any) -> list[int]:
    """Return the bytes that each kernel of a program moves.

    An access in the text of a kernel counts as often as it stands there, as a loop over a row that stands
    twice reads it twice: as many numbers as its index has, and at most those of the array.
    """
    if extern := _EXTERN.findall(source):
        raise ValueError(f"these are no kernels of the program: {extern}")
    texts = dict(_DEFINED.findall(source))
    sizes = graph.sizevars.shape_env.backed_var_to_val
    known = {str(symbol): int(n) for symbol, n in sizes.items()}
    known |= {name: eval(x, dict(known)) for name, x in _COUNTED.findall(source)}

    def numel(array: str) -> int:
        return int(graph.get_numel(array).subs(sizes))

    return [_moved_by(texts[name], given, known, numel) for name, given in _RUN.findall(source)]


def _moved_by(text: str, given: str, known: dict[str, int], numel: Callable[[str], int]) -> int:
    kinds = dict(re.findall(r"'(\w+)': '\*?(\w+)'", _SIGNATURE.search(text)[1]))
    passed = dict(zip(kinds, given.split(", "), strict=False))
    numbers = {name: eval(x, dict(known)) for name, x in passed.items() if "ptr" not in name}
    spans = _spans(text, numbers)
    moved = 0
    for pointer, index in _ACCESS.findall(text):
        here = {name for name in re.findall(r"\b[xyzr]\d*_?\d*\b", index) if name in spans}
        most = numel(passed[pointer])
        moved += min(prod(spans[name] for name in here), most) * _SIZES[kinds[pointer]]
    return moved


def _spans(text: str, numbers: dict[str, int]) -> dict[str, int]:
    """Return how many numbers each index of a kernel runs over."""
    spans = {}
    for name, axis, over, within in _INDEX.findall(text):
        size = numbers[f"{axis}numel"] // (_number(over, numbers) if over else 1)
        spans[name] = min(size, _number(within, numbers)) if within else size
    return spans


def _number(name: str, numbers: dict[str, int]) -> int:
    return int(name) if name.isdigit() else numbers[name]
