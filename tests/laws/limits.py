"""The tables of limits that the records hold."""

from dataclasses import dataclass

import numpy as np

from tests.cases import LOSSES, RECORDS


@dataclass(frozen=True)
class Table:
    """Rows of arguments and of what a loss, or its gradient, is there."""

    loss: str
    names: str
    rows: list
    of_labels: bool

    @property
    def function(self):
        return LOSSES[self.loss]

    @property
    def each(self):
        """The option by which each row has its value."""
        return {} if RECORDS[self.loss].link else {"reduction": "none"}

    def columns(self, dtype):
        """Return the arguments, labels as integers, and what is expected."""
        *given, wanted = zip(*self.rows, strict=True)
        arrays = {
            name: np.asarray(x, int if self.of_labels and name == "target" else dtype)
            for name, x in zip(self.names.split(), given, strict=True)
        }
        return arrays, np.asarray(wanted, dtype)


def tables(kind):
    """Return the tables of all losses, `limits` or `gradient_limits`, by name."""
    return {
        name: Table(loss, *table, of_labels="labels" in name)
        for loss, record in RECORDS.items()
        for name, table in getattr(record, kind).items()
    }
