"""The versions that the package asks for are those that the sessions `oldest` and `newest` install."""

import re
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
EXTRAS = PROJECT["optional-dependencies"]
ASKED = [*PROJECT["dependencies"], *(asked for extra in EXTRAS.values() for asked in extra)]
FLOOR = re.compile(r"([\w-]+)(?:\[\w+\])?>=(\d+(?:\.\d+)*)")


def numbers(version):
    """Return a version as numbers that compare."""
    return [int(n) for n in re.match(r"\d+(?:\.\d+)*", version)[0].split(".")]


@pytest.mark.parametrize("asked", ASKED)
def test_a_floor_and_nothing_else(asked):
    """So that `==` in its place names one version; what is installed here is no older."""
    name, floor = FLOOR.fullmatch(asked).groups()
    with suppress(PackageNotFoundError):
        assert numbers(version(name)) >= numbers(floor)


def test_a_gpu_asks_for_no_older_version():
    (host,), (gpu,) = EXTRAS["jax"], EXTRAS["jax-cuda"]
    assert FLOOR.fullmatch(host)[2] == FLOOR.fullmatch(gpu)[2]
