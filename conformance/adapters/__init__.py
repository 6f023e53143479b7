"""Other libraries, each called as its documentation recommends; none is imported before it is used.

A module here has a ``PEER``: which functions the library has, under the names of
`conformance.accuracy.subjects`. What a library lacks is absent from its table, never emulated by
more than the composition that its documentation shows.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from conformance.adapters.peer import Peer

#: The module of each peer, and the packages that it needs.
MODULES = {
    "torch": ("torch_functional", ("torch",)),
    "optax": ("optax_losses", ("optax", "jax")),
    "scipy": ("scipy_special", ("scipy",)),
    "sklearn": ("sklearn_metrics", ("sklearn",)),
    "keras": ("keras_losses", ("keras", "jax")),
}


def missing(name: str) -> list[str]:
    """Return the packages that a peer needs and that are not installed."""
    return [package for package in MODULES[name][1] if find_spec(package) is None]


def load(name: str) -> Peer:
    """Return a peer."""
    peer: Peer = import_module(f"conformance.adapters.{MODULES[name][0]}").PEER
    return peer
