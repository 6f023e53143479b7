"""Every loss where JAX knows its arguments in part: one traced, of symbolic sizes, of some devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

import xent
from tests.backends import converted
from tests.cases import CASES, in_brief
from tests.libraries.derivatives import assert_close

N, K, D = 6, 4, 3
FORMS = ("logits", "probs", "log_probs", "q", "features")


def _of_case(case):
    options = case.options(seed=71, rows=(N,))
    given = case.arguments(seed=71, rows=(N,)) | options
    if case.takes("reduction") and case.record.reduction != "prod":
        given.pop("denominator", None)
        given["reduction"] = "sum"
    return case.function, given


def _of_heads():
    draw = np.random.default_rng(72)
    head = {"features": (N, D), "weight": (K, D), "bias": (K,)}
    head = {name: draw.normal(size=shape) for name, shape in head.items()}
    labels, soft = draw.integers(0, K, N), draw.dirichlet(np.ones(K), N)
    options = {"sample_weight": draw.uniform(size=N), "where": labels > 0, "z_loss": 0.125}
    options |= {"reduction": "sum", "chunk_bytes": 2 * 8 * K}
    every = options | {"label_smoothing": 0.125, "class_weight": draw.uniform(size=K)}
    kl = xent.linear_head(xent.kl_divergence)
    yield "linear-labels", xent.linear_cross_entropy, {"target": labels, **head, **every}
    yield "linear-distributions", xent.linear_cross_entropy, {"target": soft, **head, **every}
    yield "linear-kl", kl, {"target": soft, **head, "sample_weight": options["sample_weight"]}
    binary = {"target": soft, **head, "label_smoothing": 0.125, "reduction": "none"}
    yield "linear-binary", xent.linear_binary_cross_entropy, binary


CALLS = [(str(case), *_of_case(case)) for case in CASES if in_brief(case)] + list(_of_heads())
of_calls = pytest.mark.parametrize(
    ("function", "given"), [pytest.param(*call[1:], id=call[0]) for call in CALLS]
)


def is_operand(name, x):
    """Whether it may be traced: an array, or a number that is an option."""
    return isinstance(x, np.ndarray | float) and name != "chunk_bytes"


def arrays_of(given):
    return converted({k: x for k, x in given.items() if isinstance(x, np.ndarray)}, jnp.asarray)


def all_ways(function, given):
    """Return functions of some arguments: value and gradient, and JAX's own by all that is floating."""
    form = next(name for name in FORMS if name in given)

    def slopes(some):
        every = {**given, **some}
        moving = {form: jnp.asarray(every.pop(form))}
        soft = every.get("target")
        if soft is not None and soft.dtype.kind == "f" and "p" not in every:
            moving["target"] = jnp.asarray(every.pop("target"))
        for name in {"sample_weight", "weight", "bias"} & set(every):
            moving[name] = jnp.asarray(every.pop(name))
        return jax.grad(lambda m: jnp.sum(function(**every, **m)))(moving)

    yield lambda some: function(**{**given, **some})
    yield lambda some: xent.value_and_grad(function)(**{**given, **some})
    yield slopes


def looped(f):
    """Return ``f`` in the body of every loop and branch of JAX."""

    def scanned(x):
        return jax.lax.scan(lambda c, _: (c, f(x)), 0, length=2)[1]

    def branched(x):
        return jax.lax.cond(jnp.asarray(True), f, jax.checkpoint(f), x)

    def repeated(x):
        return jax.lax.while_loop(lambda c: c[0] < 2, lambda c: (c[0] + 1, f(x)), (0, f(x)))

    return lambda x: (scanned(x), branched(x), repeated(x), jax.vmap(lambda _: f(x))(jnp.ones(2)))


@of_calls
def test_one_argument_is_traced_beside_constants(function, given):
    """NumPy's arrays are constants; nothing is compiled here, all is traced."""
    value, both, _ = all_ways(function, given)
    for name, x in given.items():
        if is_operand(name, x):
            traced = jax.eval_shape(both, {name: x})
            assert jax.tree.leaves(traced)[0].shape == jax.eval_shape(value, {name: x}).shape


@of_calls
def test_in_loops_and_branches(function, given):
    form = next(name for name in FORMS if name in given)
    value, *_ = all_ways(function, converted(given, jnp.asarray))
    assert jax.eval_shape(looped(value), {form: jnp.asarray(given[form])})


def symbolic(given):
    rows, classes = export.symbolic_shape("n, k")
    sizes = {N: rows, K: classes}
    return {
        name: jax.ShapeDtypeStruct(tuple(sizes.get(n, n) for n in x.shape), x.dtype)
        for name, x in arrays_of(given).items()
    }


@of_calls
def test_export_with_symbolic_sizes(function, given):
    """Rows and classes, those of a linear head too."""
    rest = {k: x for k, x in given.items() if not isinstance(x, np.ndarray)}
    for run in all_ways(function, rest | {k: given[k] for k in FORMS if k in given}):
        exported = export.export(jax.jit(run))(symbolic(given))
        assert "[n" in str(exported.in_avals)


@pytest.mark.parametrize("name", ["cross_entropy-labels-logits", "linear-labels"])
def test_what_was_exported_is_the_same(name):
    function, given = next(call[1:] for call in CALLS if call[0] == name)
    both = list(all_ways(function, given))[1]
    program = export.export(jax.jit(both))(symbolic(given))
    got, want = program.call(arrays_of(given)), both(arrays_of(given))
    for mine, right in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        assert_close(mine, right)


@of_calls
def test_shard_map_with_its_checks_on(function, given):
    """Each device has some rows; weights of a head and of classes are everybody's."""
    mesh = Mesh(np.asarray(jax.devices()[:1]), ("rows",))
    rows = {k: P("rows") if x.shape[0] == N else P() for k, x in arrays_of(given).items()}
    rest = {k: x for k, x in given.items() if not isinstance(x, np.ndarray)}
    for run in all_ways(function, rest | {k: given[k] for k in FORMS if k in given}):
        made = jax.eval_shape(run, arrays_of(given))
        whole = {k: P() for k in ("weight", "bias")} if isinstance(made, dict) else {}

        def mine(some, run=run):
            return jax.tree.map(jnp.atleast_1d, run(some))

        split = jax.tree.map(lambda _: P("rows"), made)
        split = split | {k: P() for k in whole if k in split} if whole else split
        mapped = jax.shard_map(mine, mesh=mesh, in_specs=(rows,), out_specs=split)
        jax.eval_shape(mapped, arrays_of(given))
