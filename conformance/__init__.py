"""Conformance cases for cross-entropy losses, as data, and a runner for any implementation.

The cases are the JSON files in ``cases/``: each holds its inputs as hexadecimal floats, its exact
value to fifty digits and where it comes from (a document, a section, a formula or the digits that
were printed). ``python -m conformance --backend numpy`` runs them. The runner reads data only; the
expected values are made by ``python -m conformance oracle``, which is where mpmath is needed.
"""
