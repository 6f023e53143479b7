"""Group relative policy optimisation of a small policy, in torch and in JAX, no logits stored.

A policy writes G answers to each prompt. Shao et al., "DeepSeekMath", 2024, raise the mean over answers,
and over the tokens of each, of

    min(r Â, clip(r, 1 − ε, 1 + ε) Â) − β (e^d − d − 1)        r = π / π_old        d = log π_ref − log π

Â is an answer's reward less the mean of its group, in standard deviations of the group. e^d − d − 1 is
Schulman's estimate k3 of D(π‖π_ref) ("Approximating KL Divergence", 2020), which is never below 0. A
bonus for the entropy of π is added, as in PPO (Schulman et al., 2017). All of it stands on log π of the
tokens and the entropy of each place: `xent.linear_log_probs` makes both of features and head in one pass.

Here a prompt is a number, an answer is right as far as it counts on from there, and 0 ends it.
"""

import argparse
import functools
import importlib

import numpy as np
from tqdm import tqdm

import xent

KINDS, TOKENS, WIDTH, PROMPTS, GROUP = 12, 8, 32, 8, 16
CLIP, KL, BONUS, RATE, EPOCHS = 0.2, 0.02, 0.01, 1.0, 2
NAMESPACES = {"torch": "torch", "jax": "jax.numpy"}


def start(seed=0):
    """Return the parameters of a policy that knows nothing."""
    draw, shape = np.random.default_rng(seed), (KINDS, WIDTH)
    return {"embedding": draw.normal(size=shape), "head": draw.normal(size=shape) / WIDTH}


def written(p, draw):
    """Return prompts with answers (B, 1 + TOKENS), and which tokens come before the end (B, TOKENS)."""
    tokens = [np.repeat(draw.integers(1, KINDS, PROMPTS), GROUP)]
    for _ in range(TOKENS):
        logits = np.tanh(p["embedding"][tokens[-1]]) @ p["head"].T
        tokens.append(np.argmax(logits + draw.gumbel(size=logits.shape), axis=1))
    tokens = np.stack(tokens, axis=1)
    return tokens, np.logical_and.accumulate(tokens[:, :-1] != 0, axis=1)


def rewards(tokens, kept):
    """Return of each answer which part of its places holds the number after the one before."""
    return np.mean(kept & (tokens[:, 1:] == tokens[:, :-1] % (KINDS - 1) + 1), axis=1)


def advantages(reward):
    """Return how far each answer is above its group, (B, 1); 0 where all of a group are alike."""
    groups = reward.reshape(-1, GROUP)
    spread = np.std(groups, axis=1, keepdims=True)
    above = groups - np.mean(groups, axis=1, keepdims=True)
    return (above / np.where(spread > 0, spread, 1)).reshape(-1, 1)


def policy(xp, p, tokens, kept):
    """Return log π of each token and the entropy of each place, (B, TOKENS)."""
    features = xp.tanh(p["embedding"][tokens[:, :-1]])
    return xent.linear_log_probs(tokens[:, 1:], features, p["head"], where=kept)


def loss(xp, p, tokens, kept, advantage, old, reference):
    """Return what a step lowers, of log-probabilities of the policies that wrote and that began."""
    log_prob, entropy = policy(xp, p, tokens, kept)
    ratio, d = xp.exp(log_prob - old), reference - log_prob
    clipped = xp.clip(ratio, 1 - CLIP, 1 + CLIP)
    gain = xp.minimum(ratio * advantage, clipped * advantage)
    each = xp.where(kept, gain - KL * (xp.expm1(d) - d) + BONUS * entropy, 0)
    return -xp.mean(xp.sum(each, axis=1) / xp.sum(kept, axis=1))


def by_torch():
    """Return the loss's gradient in each parameter, as a function of what the loss is given."""
    import torch

    def slopes(p, *given):
        leaves = {name: x.detach().requires_grad_() for name, x in p.items()}
        loss(torch, leaves, *given).backward()
        return {name: x.grad for name, x in leaves.items()}

    return slopes


def by_jax():
    """Return the same in JAX."""
    import jax

    return jax.jit(jax.grad(functools.partial(loss, jax.numpy)))


SLOPES = {"torch": by_torch, "jax": by_jax}


def train(library, steps):
    """Yield the mean reward of every step, of answers that are written anew for each."""
    xp, slopes = importlib.import_module(NAMESPACES[library]), SLOPES[library]()
    draw = np.random.default_rng(1)
    p = first = {name: xp.asarray(x.astype("float32")) for name, x in start().items()}
    for _ in range(steps):
        tokens, kept = written({name: np.asarray(x) for name, x in p.items()}, draw)
        reward = rewards(tokens, kept)
        advantage = xp.asarray(advantages(reward).astype("float32"))
        tokens, kept = xp.asarray(tokens), xp.asarray(kept)
        old, reference = (policy(xp, x, tokens, kept).log_prob for x in (p, first))
        for _ in range(EPOCHS):
            downhill = slopes(p, tokens, kept, advantage, old, reference)
            p = {name: x - RATE * downhill[name] for name, x in p.items()}
        yield float(np.mean(reward))


def main():
    """Train, and print what the answers earn at first and at last."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--library", choices=SLOPES, action="append", help="both by default")
    parser.add_argument("--steps", type=int, default=60, help="batches of answers (%(default)s)")
    options = parser.parse_args()
    for library in options.library or SLOPES:
        run = tqdm(train(library, options.steps), library, options.steps, unit="step")
        reward = list(run)
        print(f"{library:<6}reward {reward[0]:.2%} at first, {np.mean(reward[-5:]):.2%} at last")


if __name__ == "__main__":
    main()
