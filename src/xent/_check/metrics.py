"""Of which functions there are metrics."""

from __future__ import annotations

from typing import Any

from xent._check import arguments
from xent._made import Made


def unknown(loss: Any) -> TypeError:
    """Return the error for a function that is no loss, of which no metrics are known."""
    if isinstance(loss, Made):
        made, (of,) = loss.how
        name = arguments.called(of)
        if made.__name__ in ("grad", "value_and_grad"):
            return TypeError(
                f"with_metrics takes a loss, and {loss!r} is what is made of one: write "
                f"{made.__name__}(with_metrics({name}))"
            )
    return TypeError(
        f"no metrics are known of {arguments.shown(loss)}; with_metrics takes cross_entropy and the other "
        "losses of logits of xent, and functions that are made losses by xent.loss"
    )


def unlogged(loss: Any) -> TypeError:
    """Return the error for a call of a loss that has no metrics."""
    return TypeError(
        f"with_metrics({arguments.called(loss)}) takes a prediction as logits beside a target, of which each "
        "row has one loss; probabilities, links, elements, pairs, sequences and perplexities have no metrics"
    )
