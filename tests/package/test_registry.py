"""Every registered loss has its record, so that all laws hold it."""

import inspect

import numpy as np
import pytest

from tests.cases import CASES, LOSSES, RECORDS
from xent.testing.case import forms_of


def test_every_registered_loss_has_cases():
    assert set(RECORDS) == set(LOSSES) == {case.loss for case in CASES}


@pytest.mark.parametrize("loss", LOSSES)
def test_every_form_of_the_prediction_has_cases(loss):
    forms = set(forms_of(inspect.signature(LOSSES[loss]).parameters))
    assert forms == {case.form for case in CASES if case.loss == loss}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_arguments_are_valid(case):
    strict = {"validate": True} if case.takes("validate") else {}
    assert np.all(np.isfinite(case.function(**case.arguments(), **strict)))
