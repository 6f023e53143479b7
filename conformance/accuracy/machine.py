"""Where numbers were measured: the processor's model and the versions of what computed."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: Lines of Linux's description of a processor that say which it is.
LINES = ("model name", "cpu family", "model", "stepping")
PACKAGES = ("numpy", "torch", "jax", "jaxlib", "dask")


def processor() -> str:
    """Return the model of the processor: its SIMD width decides which code of libm runs."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return platform.processor() or platform.machine()
    pairs = (line.partition(":") for line in path.read_text(encoding="utf-8").splitlines())
    found = {name.strip(): value.strip() for name, _, value in pairs if name.strip() in LINES}
    return " ".join(found.values()) or platform.machine()


def versions(more: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of the libraries that are installed."""
    found = {}
    for name in (*PACKAGES, *more):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
