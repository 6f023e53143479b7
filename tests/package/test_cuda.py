"""Libraries for a GPU are all required for one version of CUDA, or they would not load together."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = ("pyproject.toml", "noxfile.py", "README.md", "CONTRIBUTING.md", ".github/workflows/ci.yml")
VERSION = re.compile(r"cu(?:da)?[- ]?(\d\d)(?!\d)x?", re.IGNORECASE)
WHEELS = {"2.13.0": "13"}
"""By the version of torch, the CUDA that its wheel on PyPI is built for: it requires nvidia-cudnn-cu13."""


def versions(text):
    """Return the versions of CUDA that a text names."""
    return set(VERSION.findall(text))


def pinned():
    """Return the one version of torch that is tested."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (torch,) = groups["dependency-groups"]["torch"]
    return torch.removeprefix("torch==")


@pytest.mark.parametrize("name", FILES)
def test_every_file_names_the_cuda_of_torch(name):
    assert versions((ROOT / name).read_text(encoding="utf-8")) <= {WHEELS[pinned()]}


def test_the_extras_are_built_for_it():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra in ("cupy", "jax-cuda"):
        (required,) = extras["optional-dependencies"][extra]
        assert versions(required) == {WHEELS[pinned()]}


@pytest.mark.parametrize(
    "name", ["cupy-cuda12x>=13.4", "jax[cuda12]", "nvidia-nccl-cu12", "CUDA 12"]
)
def test_another_version_is_seen(name):
    assert versions(name) == {"12"}
