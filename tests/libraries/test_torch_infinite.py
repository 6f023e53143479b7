"""torch's second derivatives at infinite logits, whatever rows are beside them."""

import pytest
import torch

from tests.libraries.derivatives import assert_close
from tests.libraries.infinite import OF_LOGITS, large, limited, moving, rows


def along(case, given):
    """Return the loss of each row and its gradients, and the derivative of these along a direction."""
    names, directions = moving(given)
    tensors = {name: torch.from_numpy(x).requires_grad_(name in names) for name, x in given.items()}
    loss = case.function(**tensors, **case.each)
    x = [tensors[name] for name in names]
    gradients = torch.autograd.grad(loss.sum(), x, create_graph=True)
    slope = sum((g * torch.from_numpy(v)).sum() for g, v in zip(gradients, directions, strict=True))
    second = torch.autograd.grad(slope, x)
    return [y.detach().numpy() for y in (loss, *gradients)], [y.numpy() for y in second]


@pytest.mark.parametrize("case", OF_LOGITS, ids=str)
def test_curvature_at_infinite_logits_is_the_limit(case):
    given = rows(case)
    first, second = along(case, given)
    limit, want = along(case, large(given))
    here = limited(case, given, first, limit)
    for mine, right in zip(second, want, strict=True):
        assert_close(mine[here], right[here])
