"""What libraries make of a function: each way is tried of every function, and is a column of the table."""

from importlib import import_module

import numpy as np

import xent
from tests.backends import Backend
from tests.near import assert_near

ULP = 2.0**12
"""Of the largest entry: two libraries' exponentials, and sums in another order."""
DIFFERENCES = 2.0**26
"""Of the largest entry: what differences of the sixth order leave of 2⁵² in float64."""


def near(got, want, ulp=ULP):
    """Hold the results of a call, one or several, to those of another."""
    several = isinstance(want, tuple)
    for made, right in zip(got if several else (got,), want if several else (want,), strict=True):
        if np.asarray(right).dtype == bool:
            assert np.array_equal(made, right)
        else:
            mine = np.asarray(made, dtype=np.float64)
            assert_near(mine, right, ulp, scale=np.max(np.abs(right), initial=0.0))


def along_it(got, f):
    """Hold a derivative in the direction to differences, relative to its terms."""
    terms = f.slope * f.direction
    assert_near(np.asarray(got), np.sum(terms), DIFFERENCES, scale=np.sum(np.abs(terms)))


def value(backend, f):
    near(backend.run(f.function, **f.given), f.expected)


def gradient(backend, f):
    weights = f.cotangent
    given = tuple(map(backend.asarray, weights)) if isinstance(weights, tuple) else weights
    _, made = backend.call(xent.vjp(f.function), **f.given, cotangent=given)
    near(backend.numbers(getattr(made, f.moving, made)), f.slope, DIFFERENCES)


def second(backend, f):
    total = {"reduction": "sum"} if f.options else {}
    x, tangent = f.given[f.moving], f.direction
    got = backend.run(xent.hvp(f.function), **{**f.given, **total}, tangent=tangent)
    slope, h = xent.grad(f.function), 2.0**-12
    d = [
        slope(**{**f.given, **total, f.moving: x + k * h * tangent})
        - slope(**{**f.given, **total, f.moving: x - k * h * tangent})
        for k in (1, 2, 3)
    ]
    near(got, (45 * d[0] - 9 * d[1] + d[2]) / (60 * h), DIFFERENCES)


def compiled(backend, f):
    within = Backend.COMPILED if backend.library == "torch" else Backend.JITTED
    near(within.run(f.function, **f.given), f.expected)


def lazy(backend, f):
    import dask

    def refuse(*args, **kwargs):
        raise AssertionError("something is computed on the way")

    with dask.config.set(scheduler=refuse):
        made = backend.call(f.function, **f.given)
    near(backend.numbers(made), f.expected)


def torch_autograd(backend, f):
    x = backend.asarray(f.given[f.moving]).requires_grad_()
    f.number(backend.module.sum, backend.asarray)(x).backward()
    near(x.grad.numpy(force=True), f.slope, DIFFERENCES)


def torch_forward(backend, f):
    from torch.func import jvp

    x, along = map(backend.asarray, (f.given[f.moving], f.direction))
    _, got = jvp(f.number(backend.module.sum, backend.asarray), (x,), (along,))
    along_it(got.numpy(force=True), f)


def torch_vmap(backend, f):
    x = backend.asarray(f.given[f.moving])
    number = f.number(backend.module.sum, backend.asarray)
    got = backend.module.vmap(number)(backend.module.stack((x, x)))
    near(got.numpy(force=True), np.repeat(f.number(np.sum)(f.given[f.moving]), 2))


def jax_autograd(backend, f):
    number = f.number(backend.module.numpy.sum, backend.asarray)
    near(backend.module.grad(number)(backend.asarray(f.given[f.moving])), f.slope, DIFFERENCES)


def jax_forward(backend, f):
    x, along = map(backend.asarray, (f.given[f.moving], f.direction))
    _, got = backend.module.jvp(f.number(backend.module.numpy.sum, backend.asarray), (x,), (along,))
    along_it(got, f)


def jax_vmap(backend, f):
    x = backend.asarray(f.given[f.moving])
    number = f.number(backend.module.numpy.sum, backend.asarray)
    got = backend.module.vmap(number)(backend.module.numpy.stack((x, x)))
    near(got, np.repeat(f.number(np.sum)(f.given[f.moving]), 2))


def sharded(backend, f):
    """The first axis over two devices that a processor is taken for, or another where it is odd."""
    sharding, jax = import_module("jax.sharding"), backend.module
    mesh = jax.make_mesh((2,), ("some",), devices=jax.devices()[:2])

    def put(name, x):
        cut = x.ndim - 1 - [n % 2 for n in x.shape[::-1]].index(0) if name == f.moving else x.ndim
        spec = sharding.PartitionSpec(*[None] * cut, *["some"][: x.ndim - cut])
        return jax.device_put(backend.asarray(x), sharding.NamedSharding(mesh, spec))

    given = {k: put(k, x) if isinstance(x, np.ndarray) else x for k, x in f.given.items()}
    near(backend.numbers(f.function(**given)), f.expected)


EVERYWHERE = {"value": value, "gradient": gradient, "second derivatives": second}
OF_TORCH = {
    "autograd": torch_autograd,
    "forward mode": torch_forward,
    "vmap": torch_vmap,
    "compiled": compiled,
}
OF_JAX = {
    "autograd": jax_autograd,
    "forward mode": jax_forward,
    "vmap": jax_vmap,
    "compiled": compiled,
    "several devices": sharded,
}
WAYS = {
    Backend.NUMPY: EVERYWHERE,
    Backend.STRICT: EVERYWHERE,
    Backend.TORCH: EVERYWHERE | OF_TORCH,
    Backend.JAX: EVERYWHERE | OF_JAX,
    Backend.DASK: EVERYWHERE | {"lazy": lazy},
}


def applies(name, f):
    """Whether a way is one of a function: what has no derivative has no second one."""
    if name == "gradient":
        return f.has_own_gradient
    if name == "second derivatives":
        return f.case is not None and f.has_own_gradient
    return f.has_derivative or name in ("value", "compiled", "lazy")
