"""Tables of calls that are wrong: what is called, what is raised, and what the message holds."""

import pytest


def rows(*tables):
    """Return the rows of tables as parameters."""
    return [pytest.param(*row[:2], row[2:]) for table in tables for row in table]


def assert_said(call, kind, held):
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    for fragment in held:
        assert fragment in str(caught.value)
