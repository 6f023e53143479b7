"""JAX's second derivatives at infinite logits, whatever rows are beside them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.cases import in_brief
from tests.libraries.derivatives import assert_close, of
from tests.libraries.infinite import OF_LOGITS, large, limited, moving, rows


@pytest.mark.parametrize("case", [case for case in OF_LOGITS if in_brief(case)], ids=str)
def test_curvature_at_infinite_logits_is_the_limit(case):
    given = rows(case)
    names, directions = moving(given)
    fixed = {name: jnp.asarray(x) for name, x in given.items() if name not in names}

    @jax.jit
    def along(*x):
        def total(*x):
            value = of(case.function, {**fixed, **case.each}, names)(*x)
            return value.sum(), value

        def slope(*x):
            (_, value), gradients = jax.value_and_grad(total, range(len(x)), has_aux=True)(*x)
            return gradients, (value, *gradients)

        _, second, first = jax.jvp(slope, x, tuple(map(jnp.asarray, directions)), has_aux=True)
        return first, second

    first, second = along(*(given[name] for name in names))
    limit, want = along(*(large(given)[name] for name in names))
    here = limited(case, given, first, limit)
    for mine, right in zip(second, want, strict=True):
        assert_close(np.asarray(mine)[here], np.asarray(right)[here])
