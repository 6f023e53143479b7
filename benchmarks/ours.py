"""xent as a contender: the same few lines for every loss and every runner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.family import Contender, How, MissingError
from benchmarks.runners import RUNNERS

WORKERS = 2


def _options(how: How, axis: bool) -> dict[str, Any]:
    chosen: dict[str, Any] = {"reduction": how.reduction}
    return {**chosen, "axis": how.axis} if axis else chosen


def _with_workers(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` in `WORKERS` threads."""
    import xent

    if not hasattr(xent, "set_workers"):
        raise MissingError("xent.set_workers is not there yet")

    def call(*inputs: Any) -> Any:
        with xent.set_workers(WORKERS):
            return function(*inputs)

    return call


def xent_contenders(loss: str, axis: bool = True, target: str = "target") -> tuple[Contender, ...]:
    """Return xent wherever it runs, and in threads where it has them.

    Parameters
    ----------
    loss : str
        The name of a loss of a target and logits.
    axis : bool
        Whether it takes ``axis``.
    target : str
        What it calls the target.
    """

    def forward(how: How) -> Callable[..., Any]:
        import xent

        function, options = getattr(xent, loss), _options(how, axis)
        return lambda t, logits: function(**{target: t}, logits=logits, **options)

    def gradient(how: How) -> Callable[..., Any]:
        import xent

        function, options = xent.value_and_grad(getattr(xent, loss)), _options(how, axis)

        def both(t: Any, logits: Any) -> tuple[Any, tuple[Any]]:
            value, slope = function(**{target: t}, logits=logits, **options)
            return value, (slope,)

        return both

    return (
        Contender("xent", tuple(RUNNERS), forward, gradient),
        Contender(
            f"xent, {WORKERS} workers",
            ("numpy",),
            lambda how: _with_workers(forward(how)),
            lambda how: _with_workers(gradient(how)),
        ),
    )


def xent_of_head(loss: str, wrt: tuple[str, ...], **options: Any) -> Contender:
    """Return xent wherever it runs, by a loss of positional arrays that has gradients by name.

    Parameters
    ----------
    loss : str
        Its name.
    wrt : tuple of str
        The gradients to be returned.
    **options
        What it is called with, besides a reduction.
    """

    def forward(how: How) -> Callable[..., Any]:
        import xent

        function = getattr(xent, loss)
        return lambda *inputs: function(*inputs, reduction=how.reduction, **options)

    def gradient(how: How) -> Callable[..., Any]:
        import xent

        function = xent.value_and_grad(getattr(xent, loss))

        def both(*inputs: Any) -> Any:
            value, slopes = function(*inputs, reduction=how.reduction, **options)
            return value, tuple(getattr(slopes, name) for name in wrt)

        return both

    return Contender("xent", tuple(RUNNERS), forward, gradient)
