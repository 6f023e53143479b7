"""The machine and the libraries, without its name or any path."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LIBRARIES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "jax",
    "jaxlib",
    "optax",
    "keras",
    "cupy-cuda12x",
    "cupy-cuda13x",
    "liger-kernel",
    "array-api-compat",
    "ml-dtypes",
)
CPU, MEMORY = Path("/proc/cpuinfo"), Path("/proc/meminfo")


def cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _field(path: Path, name: str) -> str | None:
    """Return the first ``name: value`` of a file of the kernel's."""
    if not path.exists():
        return None
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def _memory() -> float | None:
    total = _field(MEMORY, "MemTotal")
    return None if total is None else round(int(total.split()[0]) / 2**20, 1)


def _gpu() -> str | None:
    if shutil.which("nvidia-smi") is None:
        return None
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    found = subprocess.run(query, capture_output=True, text=True, check=False)
    return found.stdout.strip().partition("\n")[0] or None


def versions() -> dict[str, str]:
    """Return the version of each library that is installed."""
    found = {}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def describe() -> dict[str, Any]:
    """Return what a reader has to know to compare the results with others."""
    vectors = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve")
    flags = (_field(CPU, "flags") or _field(CPU, "Features") or "").split()
    return {
        "cpu": _field(CPU, "model name") or platform.processor() or platform.machine(),
        "vectors": [name for name in vectors if name in flags],
        "cores": cores(),
        "memory_gib": _memory(),
        "gpu": _gpu(),
        "system": platform.system(),
        "python": platform.python_version(),
        "libraries": versions(),
    }
