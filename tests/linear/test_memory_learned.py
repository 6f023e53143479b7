"""What is learned beside a linear head, weights or a teacher, is learned of some rows at a time too."""

import pytest

from tests.linear.test_memory import CHUNK, SLACK, assert_takes, gradients

LEARNED = """
import sys
import torch
from benchmarks.resident import extra_memory
import xent

n, d, k, budget = map(int, sys.argv[2:])
torch.set_num_threads(2)
given = [torch.randn(rows, d, requires_grad=True) for _ in range(2) for rows in (n, k)]
y, share = torch.arange(n) % k, torch.ones(n, requires_grad=True)

def call(n):
    t, v, x, w = (a[:n] for a in given)
    if sys.argv[1] == "teacher":
        value = xent.linear_kl_divergence(t, v, x, w, chunk_bytes=budget)
    else:
        value = xent.linear_cross_entropy(y[:n], x, w, sample_weight=share[:n], chunk_bytes=budget)
    torch.autograd.grad(value, given if sys.argv[1] == "teacher" else [x, w, share])

call(n)  # and what a first call imports
print(extra_memory(lambda: call(n)))
"""


@pytest.mark.parametrize("backend", ["torch"])
@pytest.mark.parametrize("learned", ["teacher", "weights"])
def test_what_is_learned_beside_the_head(backend, learned):
    """Of 134 MB of logits what some rows of them take, whose derivatives autograd makes."""
    n, d, k = 2048, 16, 16384
    bound = 3 * gradients((n, 2 * d, k)) + 8 * (CHUNK // 8) + SLACK
    assert bound < 4 * n * k / 2
    assert_takes(bound, LEARNED, learned, n, d, k, CHUNK // 8)
