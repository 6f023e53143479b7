"""The peers that a loss of logits has: the textbook on NumPy and JAX, and four libraries."""

from __future__ import annotations

from benchmarks.family import Contender, Factory
from benchmarks.runners import JAX, NUMPY, TORCH
from benchmarks.textbook import textbook


def peers(
    kind: str, *, scipy: Factory, torch: Factory, optax: Factory, keras: Factory
) -> tuple[Contender, ...]:
    """Return them; ``kind`` is what the textbook calls the loss."""
    loss, gradient = f"{kind}_loss", f"{kind}_gradient"
    single = ("float32",)
    return (
        Contender("textbook", NUMPY, textbook("numpy", loss), textbook("numpy", gradient), single),
        Contender("SciPy", ("numpy",), scipy, dtypes=single),
        Contender("torch.nn.functional", TORCH, torch),
        Contender("textbook", JAX, textbook("jax", loss)),
        Contender("optax", JAX, optax),
        Contender("Keras", JAX, keras),
    )
