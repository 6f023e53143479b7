"""Does the suite see a wrong formula? Small faults are put into the formulas, one at a time.

Each is a change of one place in the syntax tree of a module: a sign turned, a comparison, a constant, two
branches swapped, an operand dropped. A fault is *found* where a case fails; *harmless* where none does and no
probe (``probes.py``) has another number either, beyond rounding; else it is *missed*: it changes a
number that is promised, and no case saw it.
"""
