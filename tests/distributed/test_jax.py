"""Every loss on eight devices: the numbers of one, each device with its own part, and nothing gathered."""

import os
import subprocess
import sys
from contextlib import nullcontext

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import xent
from tests.cases import CASES, NAMED, in_brief
from tests.distributed.jax import (
    CLASSES,
    DEVICES,
    FLAGS,
    PLACEMENTS,
    ROWS,
    SHARE,
    Placed,
    compiled,
    room,
    sent,
    ulps,
)
from xent.engines.jax import measured

EIGHT = jax.device_count() == DEVICES
on_eight = pytest.mark.skipif(not EIGHT, reason="one device here; `nox -s distributed-jax` has 8")
placements = pytest.mark.parametrize("placement", PLACEMENTS)
BRIEF = "labels-logits and cross_entropy and (automatic or sent or room)"


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch):
    """Cut the rows of each device into blocks, though they are few."""
    monkeypatch.setattr(measured, "BLOCK", 1 << 13)


@pytest.mark.skipif(EIGHT, reason="all of it runs here")
def test_in_brief():
    env = os.environ | {"XLA_FLAGS": FLAGS}
    run = [sys.executable, "-m", "pytest", __file__, "-q", "--backend", "jax", "-k", BRIEF]
    done = subprocess.run(run, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


class Work:
    """A case with all its options: what is run of its arrays, and what NumPy makes of them."""

    def __init__(self, case):
        self.case, size = case, {"rows": (ROWS,), "classes": CLASSES}
        given = case.arguments(seed=3, **size) | case.options(seed=4, **size)
        self.arrays = {k: x for k, x in given.items() if isinstance(x, np.ndarray)}
        self.rest = {k: x for k, x in given.items() if k not in self.arrays}

    def run(self, arrays):
        """Return value, value and gradient, and JAX's own gradient of the value's sum."""
        given = arrays | self.rest

        def total(x):
            return jnp.sum(self.case.function(**given | {self.case.form: x}))

        return self.case.both(**given), jax.value_and_grad(total)(given[self.case.form])

    def holds(self, made, like):
        """Hold what was made to be NumPy's in float64 but for some ULP, and to lie as its prediction."""
        value, g = self.case.both(**self.arrays, **self.rest)
        # An exponential has as many ULP as its exponent is large.
        most = 16 * max(1, np.log(np.max(value))) if self.case.loss == "perplexity" else 16
        (mine, slope), (total, own) = made
        for got, want in ((mine, value), (slope, g), (total, np.sum(value)), (own, g)):
            assert ulps(got, want) <= most
        for gradient in (slope, own):
            assert gradient.sharding.is_equivalent_to(like.sharding, like.ndim)


CHOSEN = [case for case in CASES if in_brief(case)]
of_cases = pytest.mark.parametrize("case", CHOSEN, ids=str)


@on_eight
@of_cases
@placements
@pytest.mark.parametrize("kind", ["automatic", "explicit"])
def test_values_and_gradients(case, placement, kind):
    """Under jit, no collective has as many numbers as a device has logits."""
    explicit = kind == "explicit"
    work, placed = Work(case), Placed(placement, AxisType.Explicit if explicit else AxisType.Auto)
    arrays = placed.put(work.arrays)
    with jax.set_mesh(placed.mesh) if explicit else nullcontext():
        program = compiled(work.run, arrays)
        assert all(count < SHARE for _, count in sent(program))
        work.holds(program(arrays), arrays[case.form])


@on_eight
@placements
@pytest.mark.parametrize("case", [c for c in CHOSEN if c.form == "logits"], ids=str)
def test_eager_and_in_a_scan(case, placement):
    work, placed = Work(case), Placed(placement)
    arrays = placed.put(work.arrays)

    def scanned(arrays):
        steps = jax.lax.scan(lambda c, _: (c, work.run(arrays)), 0, length=2)[1]
        return jax.tree.map(lambda x: x[1], steps)

    program = compiled(scanned, arrays)
    assert all(count < SHARE for _, count in sent(program))
    work.holds(program(arrays), arrays[case.form])
    work.holds(work.run(arrays), arrays[case.form])


@on_eight
@placements
@pytest.mark.parametrize("rest", [None, "uniform"])
def test_a_few_classes(placement, rest):
    """The entries are never cut, were they as many as the classes."""
    draw, placed = np.random.default_rng(2), Placed(placement)
    for k in (3, CLASSES):
        indices = np.stack([draw.permutation(CLASSES)[:k] for _ in range(ROWS)])
        given = {"indices": indices, "p": draw.uniform(0, 1 / k, (ROWS, k))}
        given["logits"] = draw.normal(size=(ROWS, CLASSES))

        def run(given):
            target = xent.SparseDistribution(given["indices"], given["p"], rest)
            return xent.value_and_grad(xent.cross_entropy)(target, logits=given["logits"])

        for got, want in zip(jax.jit(run)(placed.put(given)), run(given), strict=True):
            assert ulps(got, want) <= 64


@on_eight
@of_cases
def test_shard_map(case):
    """Each device has some rows, and the sums of the devices are the whole's."""
    work, placed = Work(case), Placed("rows")
    rest = {k: x for k, x in work.rest.items() if k != "denominator"}
    rest |= {"reduction": "sum"} if case.takes("reduction") and case.loss != "perplexity" else {}

    def own(x, others):
        return jax.grad(lambda x: jnp.sum(case.function(**{case.form: x}, **others, **rest)))(x)

    others = dict(work.arrays)
    x = others.pop(case.form)
    cut = {k: P("rows") if v.shape[0] == ROWS else P() for k, v in others.items()}
    mapped = jax.shard_map(own, mesh=placed.mesh, in_specs=(P("rows"), cut), out_specs=P("rows"))
    got = np.split(np.asarray(jax.jit(mapped)(x, others)), DEVICES)
    for n, mine in enumerate(got):
        few = {k: np.split(v, DEVICES)[n] if cut[k] else v for k, v in others.items()}
        want = case.grad(**{case.form: np.split(x, DEVICES)[n]}, **few, **rest)
        assert ulps(mine, want) <= 64


@on_eight
@placements
def test_an_exported_program_is_whole(placement):
    """It can't be told where its arrays lie, and calls nothing of this process."""
    placed, work = Placed(placement), Work(CHOSEN[0])
    arrays = placed.put(work.arrays)
    exported = jax.export.export(jax.jit(lambda arrays: work.run(arrays)[0]))(arrays)
    assert "CustomSPMDPartitioning" not in exported.mlir_module()
    for got, want in zip(exported.call(arrays), work.run(work.arrays)[0], strict=True):
        assert ulps(got, want) <= 64


@on_eight
@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=["automatic", "explicit"])
@pytest.mark.parametrize("of", [P(), P("rows", None), P(None, "classes")], ids=str)
def test_a_gradient_lies_as_its_logits(of, kind):
    """However target and weights are cut: by rows, and by classes too."""
    placed = Placed("both", kind)
    for case in (NAMED["cross_entropy-labels-logits"], NAMED["cross_entropy-distributions-logits"]):
        work = Work(case)
        arrays = placed.put(work.arrays)
        arrays["logits"] = jax.device_put(work.arrays["logits"], NamedSharding(placed.mesh, of))
        with jax.set_mesh(placed.mesh) if kind is AxisType.Explicit else nullcontext():
            work.holds(jax.jit(work.run)(arrays), arrays["logits"])


LARGE = (1024, 512)


@on_eight
@placements
@pytest.mark.parametrize("gradient", [False, True], ids=["value", "gradient"])
@pytest.mark.parametrize("target", ["labels-logits", "distributions-logits"])
def test_room_of_cross_entropy(target, gradient, placement, monkeypatch):
    """Temporaries are those of a device's share alone, and a few numbers for each row and device."""
    monkeypatch.undo()
    (n, k), placed = LARGE, Placed(placement)
    draw = np.random.default_rng(0)
    given = {"logits": draw.normal(size=LARGE), "target": draw.dirichlet(np.ones(k), n)}
    if target == "labels-logits":
        given["target"] = draw.integers(0, k, n)

    def run(given):
        both = xent.value_and_grad(xent.cross_entropy)
        return both(**given) if gradient else xent.cross_entropy(**given)

    n_share, k_share = (
        size // (placed.mesh.shape.get(name, 1))
        for size, name in zip(LARGE, ("rows", "classes"), strict=True)
    )
    share = {"logits": given["logits"][:n_share, :k_share]}
    share["target"] = given["target"][:n_share]
    share["target"] = (
        share["target"] % k_share if share["target"].ndim == 1 else share["target"][:, :k_share]
    )
    alone = room(compiled(run, jax.tree.map(jnp.asarray, share)))
    program = compiled(run, placed.put(given, n, k))
    assert room(program) <= alone + 8 * 8 * DEVICES * n_share
    assert all(count < n * k // DEVICES for _, count in sent(program))
