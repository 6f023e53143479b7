"""Models that are sharded as torch shards them train as on one process."""

import numpy as np
import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    parallelize_module,
)

import xent
from tests.distributed.placed import assert_placed, whole
from tests.distributed.torch import PROCESSES, law
from tests.near import assert_near

WIDTH, HIDDEN, CLASSES, ROWS, STEPS = 6, 8, 12, 8, 4
ULP = 64


def model_of():
    torch.manual_seed(0)
    layers = (
        torch.nn.Linear(WIDTH, HIDDEN),
        torch.nn.Tanh(),
        torch.nn.Linear(HIDDEN, CLASSES),
    )
    return torch.nn.Sequential(*layers).double()


def data():
    torch.manual_seed(1)
    x = torch.randn(STEPS, ROWS, WIDTH, dtype=torch.float64)
    return zip(x, torch.randint(0, CLASSES, (STEPS, ROWS)), strict=True)


def trained(model, part=slice(None)):
    """Return the losses of some steps, and the parameters after them."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.5)
    losses = []
    for x, y in data():
        loss = xent.cross_entropy(y[part], logits=model(x[part]), label_smoothing=0.125)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(whole(loss))
    return np.stack(losses), list(model.parameters())


def assert_trains(model, part=slice(None)):
    want, parameters = trained(model_of())
    got, there = trained(model, part)
    if part == slice(None):
        assert_near(got, want, ULP)
    for p, q in zip(map(whole, there), map(whole, parameters), strict=True):
        assert_near(p, q, ULP, scale=np.max(np.abs(q)))


def tensor_parallel(model, mesh):
    plan = {
        "0": ColwiseParallel(use_local_output=False),
        "2": ColwiseParallel(use_local_output=False),
    }
    return parallelize_module(model, mesh, plan)


def of_fsdp(rank):
    model = model_of()
    mesh = init_device_mesh("cpu", (PROCESSES,))
    fully_shard(model, mesh=mesh)
    each = ROWS // PROCESSES
    assert_trains(model, slice(rank * each, (rank + 1) * each))


def of_tensor_parallel(rank):
    mesh = init_device_mesh("cpu", (PROCESSES,))
    assert_trains(tensor_parallel(model_of(), mesh))


def of_both(rank):
    mesh = init_device_mesh("cpu", (2, 2), mesh_dim_names=("data", "model"))
    model = tensor_parallel(model_of(), mesh["model"])
    fully_shard(model, mesh=mesh["data"])
    each, own = ROWS // 2, mesh.get_local_rank("data")
    assert_trains(model, slice(own * each, (own + 1) * each))


def of_head_of_both(rank):
    """Check a head whose classes are cut by both, out of the model: gradients are cut in the same strides."""
    mesh = init_device_mesh("cpu", (2, 2), mesh_dim_names=("data", "model"))
    own, model = model_of()[2], tensor_parallel(model_of(), mesh["model"])
    fully_shard(model, mesh=mesh["data"])
    x, y = torch.sin(torch.arange(ROWS * HIDDEN)).reshape(ROWS, HIDDEN).double(), torch.arange(ROWS)
    made = []
    for head in (model[2], own):
        w, b = head.weight, head.bias
        xent.linear_cross_entropy(y, x, w, b).backward()
        both = xent.value_and_grad(xent.linear_cross_entropy)(y, x, w.detach(), b.detach())
        along = x, w.detach(), b.detach()
        product = xent.hvp(xent.linear_cross_entropy)(y, *along, tangent=along)
        made.append([w.grad, b.grad, *both[1][1:], *product[1:], both[0]])
    for got, like in zip(made[0][:6], 3 * [model[2].weight, model[2].bias], strict=True):
        assert_placed(got, like)
    for got, want in zip(*made, strict=True):
        assert_near(whole(got), whole(want), ULP, scale=np.max(np.abs(whole(want))))


MODELS = {
    "FSDP2": of_fsdp,
    "tensor parallel": of_tensor_parallel,
    "both": of_both,
    "head of both": of_head_of_both,
}


def run(name):
    MODELS[name](torch.distributed.get_rank())


said, test_it_trains_as_on_one_process = law(run, MODELS)
