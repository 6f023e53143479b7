"""What the examples that train with two losses share: the command line, and the picture."""

import argparse
from pathlib import Path


def asked(description, runs, steps):
    """Return what to run, for how many steps, and where to save the curves, if anywhere."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--run", choices=runs, nargs="+", default=runs, help="all by default")
    parser.add_argument("--steps", type=int, default=steps, help="gradient steps (%(default)s)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="save the loss curves here")
    options = parser.parse_args()
    if options.steps < 1:
        parser.error(f"--steps takes a positive number, got {options.steps}")
    return options


def save(curves, file, title, scale="linear"):
    """Save loss curves, each second one dotted on top of the one that it should cover."""
    from matplotlib.figure import Figure  # here, because only --plot needs it

    axes = (figure := Figure(figsize=(7, 4), layout="constrained")).subplots()
    for i, (name, curve) in enumerate(curves.items()):
        axes.plot(curve, ls="-:"[i % 2], lw=5 - 3 * (i % 2), alpha=0.6, label=name)
    axes.set(title=title, xlabel="step", ylabel="cross entropy (nats)", yscale=scale)
    axes.legend()
    figure.savefig(file)
