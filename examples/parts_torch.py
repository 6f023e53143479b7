"""A head whose classes lie in several processes, as Megatron has it: `torch.distributed.all_gather`.

Each process has some rows of the weight. It measures the logits of its own classes, sends k numbers of each
row to the others, and has the gradient of its own weight at once; that of the features, which all share, is
summed over the processes. Trained in two processes over gloo and in one, both from the same start: the
losses of the steps are printed side by side, and by how much they are off.
"""

import argparse
import tempfile
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as processes

import xent

ROWS, WIDTH, CLASSES, RATE = 48, 16, 101, 2.0


class Shared(torch.autograd.Function):
    """What all processes have alike: its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx, x):
        """Return the same."""
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        """Return the sum of the gradients of all processes."""
        g = g.contiguous()
        dist.all_reduce(g)
        return g


class ParallelCrossEntropy(torch.autograd.Function):
    """The loss of logits of which this process has some classes."""

    @staticmethod
    def forward(ctx, labels, logits, first, classes):
        """Return the value, which all processes have alike; keep the gradient."""
        part = xent.part(xent.cross_entropy)(
            labels, logits=logits, first=first, classes=classes, label_smoothing=0.1, z_loss=1e-3
        )
        own = part.statistics
        every = [torch.empty_like(own) for _ in range(dist.get_world_size())]
        dist.all_gather(every, own)
        value, gradient = part.merged(every).value_and_gradient()
        ctx.save_for_backward(gradient)
        return value

    @staticmethod
    def backward(ctx, slope):
        """Return the gradient of this process's logits."""
        (gradient,) = ctx.saved_tensors
        return None, slope * gradient, None, None


def start():
    """Return data, a layer and a head, the same in every process, in double precision to be compared."""
    torch.set_default_dtype(torch.float64)
    draw = torch.Generator().manual_seed(0)
    x, labels = torch.randn(ROWS, WIDTH, generator=draw), torch.arange(ROWS) * 2
    layer, head = (torch.randn(n, WIDTH, generator=draw) / 4 for n in (WIDTH, CLASSES))
    return x, labels, layer.requires_grad_(), head


def train(layer, head, loss, steps):
    """Return the loss of each step of gradient descent."""
    losses = []
    for _ in range(steps):
        value = loss()
        value.backward()
        losses.append(value.item())
        with torch.no_grad():
            for x in (layer, head):
                x.sub_(x.grad, alpha=RATE)
                x.grad = None
    return losses


def alone(steps):
    """Return the losses of one process that has all classes."""
    x, labels, layer, head = start()
    head.requires_grad_()

    def loss():
        logits = torch.tanh(x @ layer.T) @ head.T
        return xent.cross_entropy(labels, logits=logits, label_smoothing=0.1, z_loss=1e-3)

    return train(layer, head, loss, steps)


def worker(rank, size, folder, steps):
    """Train with the classes of this process; they are not of one number."""
    file = f"file://{folder}/meeting"
    dist.init_process_group(
        "gloo", init_method=file, rank=rank, world_size=size, timeout=timedelta(seconds=60)
    )
    x, labels, layer, head = start()
    cuts = [i * CLASSES // size for i in range(size + 1)]
    head = head[cuts[rank] : cuts[rank + 1]].clone().requires_grad_()

    def loss():
        logits = Shared.apply(torch.tanh(x @ layer.T)) @ head.T
        return ParallelCrossEntropy.apply(labels, logits, cuts[rank], CLASSES)

    torch.save(train(layer, head, loss, steps), f"{folder}/{rank}")
    dist.destroy_process_group()


def main():
    """Train in both ways, and print the losses of each step."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        size = given.processes
        processes.spawn(worker, (size, folder, given.steps), nprocs=size)
        each = [torch.load(Path(folder) / str(rank)) for rank in range(size)]
    for step, (one, *there) in enumerate(zip(alone(given.steps), *each, strict=True)):
        off = max(abs(loss - one) for loss in there) / one
        print(f"step {step}  one process {one:.6f}  {size} processes {there[0]:.6f}  off {off:.1e}")


if __name__ == "__main__":
    main()
