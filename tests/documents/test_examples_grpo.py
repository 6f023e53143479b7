"""The policy's loss has the textbook's gradient, and the policy learns what is rewarded."""

import contextlib
import importlib
import re
import runpy

import numpy as np
import pytest

from tests.documents.script import EXAMPLES, printed

SCRIPT = EXAMPLES / "grpo.py"
NAMESPACES = {"torch": "torch", "jax": "jax.numpy"}


@pytest.fixture(scope="module")
def grpo():
    return runpy.run_path(str(SCRIPT))


@pytest.fixture(scope="module")
def answers(grpo):
    """Parameters of three policies, and what the second of them wrote."""
    new, old, first = ({**p, "head": 4 * p["head"]} for p in map(grpo["start"], range(3)))
    tokens, kept = grpo["written"](old, np.random.default_rng(3))
    assert not kept.all()
    return (new, old, first), tokens, kept, grpo["advantages"](grpo["rewards"](tokens, kept))


def dense(torch, p, tokens):
    """Return log π of each token and the entropies, of all logits."""
    logits = torch.tanh(p["embedding"][tokens[:, :-1]]) @ p["head"].T
    log_q = torch.log_softmax(logits, -1)
    return log_q.gather(2, tokens[:, 1:, None])[..., 0], -(log_q.exp() * log_q).sum(-1)


def textbook(torch, policies, tokens, kept, advantage):
    """Return the gradient as the papers write it, a token at a time, and how many are clipped."""
    new, old, first = ({k: torch.from_numpy(x) for k, x in p.items()} for p in policies)
    for x in new.values():
        x.requires_grad_()
    tokens = torch.from_numpy(tokens)
    (now, entropy), (old, _), (first, _) = (dense(torch, p, tokens) for p in (new, old, first))
    total, clipped, advantage = 0, 0, advantage[:, 0].tolist()
    for i, length in enumerate(kept.sum(1).tolist()):
        for t in range(length):
            ratio, odds = torch.exp(now[i, t] - old[i, t]), torch.exp(first[i, t] - now[i, t])
            inside = torch.clamp(ratio, 0.8, 1.2)
            clipped += int(inside * advantage[i] < ratio * advantage[i])
            gain = torch.minimum(ratio * advantage[i], inside * advantage[i])
            each = gain - 0.02 * (odds - torch.log(odds) - 1) + 0.01 * entropy[i, t]
            total = total - each / length / len(tokens)
    total.backward()
    return {name: x.grad.numpy() for name, x in new.items()}, clipped


def wide(library):
    """Return a context in which a library has float64."""
    if library == "torch":
        return contextlib.nullcontext()
    return importlib.import_module("jax").enable_x64(True)


@pytest.mark.parametrize("library", NAMESPACES)
def test_gradient_is_the_textbooks(grpo, answers, library):
    torch, _ = pytest.importorskip("torch"), pytest.importorskip(library)
    xp, (policies, *rows) = importlib.import_module(NAMESPACES[library]), answers
    want, clipped = textbook(torch, policies, *rows)
    assert clipped > 50
    with wide(library):
        tokens, kept, advantage = map(xp.asarray, rows)
        new, *others = ({name: xp.asarray(x) for name, x in p.items()} for p in policies)
        log_probs = (grpo["policy"](xp, p, tokens, kept).log_prob for p in others)
        got = grpo["SLOPES"][library]()(new, tokens, kept, advantage, *log_probs)
    for name, x in want.items():
        assert np.asarray(got[name]).dtype == np.float64
        assert np.abs(np.asarray(got[name]) - x).max() < 1e-10 * np.abs(x).max()


@pytest.mark.parametrize("library", NAMESPACES)
def test_the_policy_learns_to_count(library):
    pytest.importorskip(library)
    said = printed(SCRIPT, "--library", library, "--steps", 15)
    at_first, at_last = map(float, re.findall(r"([\d.]+)%", said))
    assert at_first < 10
    assert at_last > 50
