"""Linear heads on eight devices: rows, classes, both, and a weight in pieces, each of which travels once."""

from contextlib import nullcontext

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

import xent
from tests.distributed.jax import DEVICES, compiled, room, sent, ulps
from tests.laws.strangers import hits
from tests.linear.pairs import NUMBERS, pairs

pytestmark = pytest.mark.skipif(
    jax.device_count() != DEVICES, reason="one device here; `nox -s distributed-jax` has 8"
)
N, K, D = 256, 1024, 32
BUDGET = 8 * K * 8
"""Bytes of eight rows of logits: each device has several chunks."""
DRAW = np.random.default_rng(5)
HEAD = {
    "features": DRAW.normal(size=(N, D)),
    "weight": DRAW.normal(size=(K, D)) / 4,
    "bias": DRAW.normal(size=K),
}
SOFT = DRAW.dirichlet(np.ones(K), N)
ROWS = {"sample_weight": DRAW.uniform(0.5, 2, N), "where": np.arange(N) % 3 != 1}
EVERY = ROWS | {"class_weight": DRAW.uniform(0.5, 2, K)}
EVERY |= {"label_smoothing": 0.125, "z_loss": 0.125, "softcap": 4.0}
CALLS = {
    "labels": (xent.linear_cross_entropy, DRAW.integers(0, K, N), {}),
    "labels with all": (xent.linear_cross_entropy, DRAW.integers(0, K, N), EVERY),
    "distributions": (xent.linear_cross_entropy, SOFT, {}),
    "whole rows": (xent.linear_head(hits), SOFT, {}),
    "two rounds": (xent.linear_head(xent.brier_score), SOFT, {}),
    "kl": (xent.linear_head(xent.kl_divergence), SOFT, {}),
    "binary": (xent.linear_binary_cross_entropy, SOFT, {"label_smoothing": 0.125}),
}
TWO_HEADS = {
    xent.linear_kl_divergence: {"reverse": True},
    xent.linear_jensen_shannon_divergence: {"beta": 0.25},
}
# Mesh, features, weight, target of a class each.
PLACEMENTS = {
    "rows": ({"r": 8}, P("r", None), P(None, None), P("r", None)),
    "classes": ({"c": 8}, P(None, None), P("c", None), P(None, "c")),
    "both": ({"r": 2, "c": 4}, P("r", None), P("c", None), P("r", "c")),
    "weight by classes": ({"r": 8}, P("r", None), P("r", None), P("r", None)),
    "weight by features": ({"r": 8}, P("r", None), P(None, "r"), P("r", None)),
    "weight by both": ({"r": 2, "c": 4}, P("r", None), P(("c", "r"), None), P("r", "c")),
    "weight by rows first": ({"r": 2, "c": 4}, P("r", None), P(("r", "c"), None), P("r", None)),
    "weight whole": ({"r": 2, "c": 4}, P("r", None), P(None, None), P("r", "c")),
    "features whole": ({"r": 2, "c": 4}, P(None, None), P("c", None), P("r", "c")),
    "bias whole": ({"c": 8}, P(None, None), P("c", None), P(None, "c"), P()),
    "bias by rows": ({"r": 2, "c": 4}, P("r", None), P("c", None), P("r", "c"), P("r")),
}


def placed(name, kind, target, options):
    """Return the mesh, and target, head and the options that are arrays, on it."""
    shape, features, weight, soft, *bias = PLACEMENTS[name]
    devices = np.asarray(jax.devices()).reshape(*shape.values())
    mesh = Mesh(devices, tuple(shape), axis_types=(kind,) * len(shape))
    where = {
        "features": features,
        "weight": weight,
        "bias": (bias or [P(weight[0])])[0],
        "target": soft,
    }
    if target.ndim == 1:
        where["target"] = P(soft[0])
    where |= {k: P(soft[0]) if k in ROWS else P() for k in options}
    given = HEAD | {"target": target} | {k: x for k, x in options.items() if np.ndim(x)}
    return mesh, {k: jax.device_put(x, NamedSharding(mesh, where[k])) for k, x in given.items()}


def both_ways(function, numbers):
    """Return value and gradients as we make them, and as JAX does."""

    def run(given):
        def value(head):
            return function(**{**given, **head}, **numbers, chunk_bytes=BUDGET)

        head = {k: given[k] for k in HEAD}
        ours = xent.value_and_grad(function)(**given, **numbers, chunk_bytes=BUDGET)
        return ours, jax.value_and_grad(value)(head)

    return run


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=["automatic", "explicit"])
@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("call", CALLS)
def test_values_and_gradients(call, placement, kind):
    """The weight is gathered once where it must be, as for whole rows; features and logits are not."""
    function, target, options = CALLS[call]
    numbers = {k: x for k, x in options.items() if not np.ndim(x)}
    mesh, given = placed(placement, kind, target, options)
    value, gradients = xent.value_and_grad(function)(target, **HEAD, **options)
    with jax.set_mesh(mesh) if kind is AxisType.Explicit else nullcontext():
        program = compiled(both_ways(function, numbers), given)
        (ours, slopes), (own, theirs) = program(given)
    wants = dict(zip(HEAD, gradients, strict=True))
    slopes = dict(zip(HEAD, slopes, strict=True))
    for mine, want in [(ours, value), (own, value)]:
        assert ulps(mine, want) <= 16
    for made in (slopes, theirs):
        for name, want in wants.items():
            assert ulps(made[name], want) <= 64
            assert made[name].sharding.is_equivalent_to(given[name].sharding, want.ndim)
    moved = [kind for kind, count in sent(program) if kind != "all-reduce" and count >= K * D]
    gathered = placement.startswith("weight") or call == "whole rows"
    assert len(moved) <= (2 if gathered else 0)  # once for each way
    assert "all-to-all" not in moved


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=["automatic", "explicit"])
@pytest.mark.parametrize(
    "placement",
    ["rows", "both", "weight by both", "weight whole", "features whole", "bias by rows"],
)
@pytest.mark.parametrize("call", ["labels", "distributions"])
def test_rows_that_are_weighed(call, placement, kind):
    """What JAX differentiates itself: rows, and a mean by weights that have a derivative too."""
    function, target, _ = CALLS[call]
    s = ROWS["sample_weight"]
    mesh, given = placed(placement, kind, target, {"sample_weight": s})

    def by_hand(moving, target):
        weights = moving.pop("sample_weight")
        rows = function(target, **moving, reduction="none", chunk_bytes=BUDGET)
        return jnp.sum(rows * weights)

    def by_option(moving, target):
        return function(target, **moving, chunk_bytes=BUDGET)

    moving = {k: x for k, x in given.items() if k != "target"}
    rows = function(target, **HEAD, reduction="none")
    mean = np.sum(rows * s) / np.sum(s)
    slopes = (rows, "sum"), ((rows - mean) / np.sum(s), "mean")
    terms = {"sample_weight": rows / np.sum(s)}  # of the second, a difference
    for own, (slope, reduction) in zip((by_hand, by_option), slopes, strict=True):
        with jax.set_mesh(mesh) if kind is AxisType.Explicit else nullcontext():
            program = compiled(jax.grad(own), moving, given["target"])
            got = program(moving, given["target"])
        both = xent.value_and_grad(function)
        _, gradients = both(target, **HEAD, sample_weight=s, reduction=reduction)
        wants = {**dict(zip(HEAD, gradients, strict=True)), "sample_weight": slope}
        for name, want in wants.items():
            assert ulps(got[name], want, terms.get(name, 0.0)) <= 64
            assert got[name].sharding.is_equivalent_to(given[name].sharding, want.ndim)
        assert all(count <= K * D for kind, count in sent(program) if kind != "all-reduce")


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=["automatic", "explicit"])
@pytest.mark.parametrize("loss", NUMBERS, ids=lambda loss: loss.__name__)
def test_pairs(loss, kind):
    """Each device has some of the pairs: gradients lie as they do, and no logits travel."""
    mesh = Mesh(np.asarray(jax.devices()), ("r",), axis_types=(kind,))
    keep = {"where": np.arange(N) % 4 != 1}
    rows = {
        k: jax.device_put(x, NamedSharding(mesh, P("r"))) for k, x in (pairs(N, D) | keep).items()
    }
    value, gradients = xent.value_and_grad(loss)(**pairs(N, D), **NUMBERS[loss], **keep)

    def run(given, numbers):
        def value(a, b, numbers):
            return loss(a, b, where=given["where"], chunk_bytes=BUDGET, **numbers)

        ours = xent.value_and_grad(loss)(**given, **numbers, chunk_bytes=BUDGET)
        return ours, jax.grad(value, (0, 1, 2))(given["a"], given["b"], numbers)

    with jax.set_mesh(mesh) if kind is AxisType.Explicit else nullcontext():
        program = compiled(run, rows, dict(NUMBERS[loss]))
        (mine, slopes), (da, db, numbers) = program(rows, dict(NUMBERS[loss]))
    assert ulps(mine, value) <= 16
    theirs = da, db, *(numbers[k] for k in NUMBERS[loss])
    for made in (slopes, theirs):
        for got, want in zip(made, gradients, strict=True):
            assert ulps(got, want) <= 64
        assert all(x.sharding.is_equivalent_to(rows["a"].sharding, 2) for x in made[:2])
    assert max(count for _, count in sent(program)) <= N * D


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=["automatic", "explicit"])
@pytest.mark.parametrize("placement", ["rows", "classes", "both"])
@pytest.mark.parametrize("loss", TWO_HEADS, ids=lambda loss: loss.__name__)
def test_two_heads(loss, placement, kind):
    """A teacher lies as its student does, and no weight and no logits travel."""
    numbers = TWO_HEADS[loss] | {"chunk_bytes": BUDGET}
    mesh, student = placed(placement, kind, CALLS["labels"][1], {})
    del student["target"]
    teacher = {"features": np.cos(np.arange(N * 8)).reshape(N, 8), "weight": HEAD["weight"][:, :8]}
    plain = HEAD | {f"target_{k}": x for k, x in teacher.items()}
    given = student | {
        f"target_{k}": jax.device_put(x, student[k].sharding) for k, x in teacher.items()
    }
    value, gradients = xent.value_and_grad(loss)(**plain, **numbers)
    with jax.set_mesh(mesh) if kind is AxisType.Explicit else nullcontext():
        program = compiled(lambda given: xent.value_and_grad(loss)(**given, **numbers), given)
        mine, slopes = program(given)
    assert ulps(mine, value) <= 16
    for name, got, want in zip(HEAD, slopes, gradients, strict=True):
        assert ulps(got, want) <= 64
        assert got.sharding.is_equivalent_to(given[name].sharding, want.ndim)
    assert not [x for x, count in sent(program) if x != "all-reduce" and count >= K * 8]


@pytest.mark.parametrize("placement", ["rows", "classes", "both"])
def test_room(placement):
    """Temporaries are those of a share alone, the summands of what is summed, and some for each row."""
    function, target, _ = CALLS["labels"]
    _, given = placed(placement, AxisType.Auto, target, {})
    shape = PLACEMENTS[placement][0]
    n, k = N // shape.get("r", 1), K // shape.get("c", 1)
    alone = {"features": HEAD["features"][:n], "weight": HEAD["weight"][:k]}
    alone |= {"bias": HEAD["bias"][:k], "target": target[:n] % k}

    def run(given):
        return xent.value_and_grad(function)(**given, chunk_bytes=BUDGET)

    mine = room(compiled(run, jax.tree.map(jnp.asarray, alone)))
    summands = 8 * (n * D + k * D + k)
    assert room(compiled(run, given)) <= mine + summands + 8 * 8 * DEVICES * n
