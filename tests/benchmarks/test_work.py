"""The steps from torch's own loss to xent's: one loss on usual rows, and digits at the end on hard ones."""

import numpy as np
import pytest
import torch

from benchmarks import work

LIMITS = {"KL": 128}
"""ULP that the last step may be off, else 4: a target that is nearly the prediction is rounded to float32."""


@pytest.mark.parametrize("name", work.LOSSES)
def test_digits_are_what_the_steps_are_for(name):
    first, *_, last = work.errors(work.LOSSES[name], lambda loss: loss).values()
    limit = LIMITS.get(name, 4)
    assert last < limit
    assert first > 500 * limit


@pytest.mark.parametrize("name", work.LOSSES)
def test_each_step_is_the_loss_on_usual_rows(name):
    """Nearly: the first steps of labels count those above all rivals wrong, one row in a class."""
    loss, draw = work.LOSSES[name], np.random.default_rng(0)
    z = draw.standard_normal((512, 1000), np.float32)
    given = torch.from_numpy(loss.target(z, draw)), torch.from_numpy(z)
    own, *others = (float(step(*given)) for step in loss.steps().values())
    np.testing.assert_allclose(others, own, rtol=1e-3)
