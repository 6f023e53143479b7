"""The ways of running a loss: a library, how it is compiled, and the device."""

from __future__ import annotations

from importlib import import_module

from benchmarks.family import MissingError
from benchmarks.runners.base import Runner

# Name to module and arguments; the module imports its library only when the runner is made.
RUNNERS: dict[str, tuple[str, dict[str, object]]] = {
    "numpy": ("numpy", {}),
    "torch": ("torch", {}),
    "torch-compiled": ("torch", {"compiled": True}),
    "jax": ("jax", {}),
    "cupy": ("cupy", {}),
    "torch-cuda": ("torch", {"device": "cuda"}),
    "torch-compiled-cuda": ("torch", {"compiled": True, "device": "cuda"}),
    "jax-cuda": ("jax", {"device": "cuda"}),
}
TITLES = {
    "numpy": "NumPy",
    "torch": "torch eager",
    "torch-compiled": "torch compiled",
    "jax": "JAX jitted",
    "cupy": "CuPy",
    "torch-cuda": "torch eager, GPU",
    "torch-compiled-cuda": "torch compiled, GPU",
    "jax-cuda": "JAX jitted, GPU",
}
NUMPY = ("numpy", "cupy")
TORCH = ("torch", "torch-compiled", "torch-cuda", "torch-compiled-cuda")
JAX = ("jax", "jax-cuda")
# What a time on each runner is divided by, unless a family says otherwise.
REFERENCE = {
    **dict.fromkeys(NUMPY, "textbook"),
    **dict.fromkeys(TORCH, "torch.nn.functional"),
    **dict.fromkeys(JAX, "optax"),
}


def runner(name: str) -> Runner:
    """Return the runner of a name.

    Raises
    ------
    MissingError
        Where its library is not installed, or there is no such device.
    """
    module, arguments = RUNNERS[name]
    try:
        found: Runner = import_module(f"benchmarks.runners.{module}").make(name, **arguments)
    except ImportError as error:
        raise MissingError(f"{error.name} is not installed") from error
    return found
