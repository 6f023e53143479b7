"""Accuracy in ULP: families of inputs, two oracles, goals, and a report beside other libraries.

`draw`, `logits` and `masses` make the inputs, `subjects` lists what is measured, `balls` and
`digits` are the oracles, `goals` says what must be reached, `ways` calls xent, and
`conformance.adapters` its peers.
"""
