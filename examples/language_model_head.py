"""A small language model on this repository's README, in torch and in JAX: the head by `xent` or not.

    h = tanh(We + b), e the last characters embedded        z = θh        L = log Σⱼ exp zⱼ − z_y

`xent` is given h and θ and never stores z, the textbook loss is given z: their curves are the same.
"""

from pathlib import Path

import numpy as np
from curves import asked, save
from tqdm import tqdm

import xent

README = Path(__file__).parents[1] / "README.md"
SEEN, EMBEDDED, HIDDEN, ROWS, RATE = 8, 16, 128, 512, 0.5


def characters():
    """Return what is seen before each character (N, SEEN), the characters (N,), and how many kinds."""
    kinds, text = np.unique(list(README.read_text(encoding="utf-8")), return_inverse=True)
    return np.lib.stride_tricks.sliding_window_view(text[:-1], SEEN), text[SEEN:], len(kinds)


def start(classes):
    """Return the parameters that every run starts from."""
    draw = np.random.default_rng(0)
    shapes = {"embedding": (classes, EMBEDDED), "weight": (SEEN * EMBEDDED, HIDDEN)}
    shapes |= {"bias": (1, HIDDEN), "head": (classes, HIDDEN)}
    return {k: (draw.normal(size=s) / s[-1] ** 0.5).astype("float32") for k, s in shapes.items()}


def batches(steps):
    """Yield (seen, next) of some places in the text, the same for every run."""
    seen, after, _ = characters()
    draw = np.random.default_rng(1)
    for _ in range(steps):
        rows = draw.integers(0, len(after), ROWS)
        yield seen[rows], after[rows]


def train_torch(steps, textbook):
    """Yield the loss of every step in torch."""
    import torch

    p = {k: torch.from_numpy(x).requires_grad_() for k, x in start(characters()[2]).items()}
    optimiser = torch.optim.SGD(p.values(), lr=RATE)
    for batch in batches(steps):
        seen, after = map(torch.from_numpy, batch)
        h = torch.tanh(p["embedding"][seen].flatten(1) @ p["weight"] + p["bias"])
        if textbook:
            z = h @ p["head"].T
            loss = (torch.logsumexp(z, 1) - z[range(ROWS), after]).mean()
        else:
            loss = xent.linear_cross_entropy(after, h, p["head"])
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        yield loss.item()


def train_jax(steps, textbook):
    """Yield the loss of every step in JAX."""
    import jax
    import jax.numpy as jnp

    def loss(p, seen, after):
        h = jnp.tanh(p["embedding"][seen].reshape(len(seen), -1) @ p["weight"] + p["bias"])
        if not textbook:
            return xent.linear_cross_entropy(after, h, p["head"])
        z = h @ p["head"].T
        return jnp.mean(jax.nn.logsumexp(z, 1) - jnp.take_along_axis(z, after[:, None], 1)[:, 0])

    @jax.jit
    def step(p, seen, after):
        value, slopes = jax.value_and_grad(loss)(p, seen, after)
        return jax.tree.map(lambda x, g: x - RATE * g, p, slopes), value

    p = {k: jnp.asarray(x) for k, x in start(characters()[2]).items()}
    for batch in batches(steps):
        p, value = step(p, *map(jnp.asarray, batch))
        yield float(value)


RUNS = {"torch": train_torch, "jax": train_jax}


def main():
    """Train with both losses on what was asked for, and print where each ends."""
    options, curves = asked(__doc__, RUNS, 300), {}
    for run, loss in ((run, loss) for run in options.run for loss in ("textbook", "xent")):
        name, steps = f"{run}, {loss}", RUNS[run](options.steps, loss == "textbook")
        curves[name] = list(tqdm(steps, desc=name, total=options.steps, unit="step"))
        last = np.mean(curves[name][-50:])
        print(f"{name:<16}{last:.6f} nats a character")
    if options.plot:
        save(curves, options.plot, "Characters of the README")


if __name__ == "__main__":
    main()
