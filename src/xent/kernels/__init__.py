"""The formulas: each loss by what it measures of a row, and by its gradient, one concept per file.

Most files are read from their end: a table there names the kernel of the loss for each form that a
prediction may have, probabilities, logits or log-probabilities. A kernel is a class with five methods,
and each of them is an equation that its docstring states:

- `measure` makes the statistics of one block of a row, and what the gradient can use of it again;
- `merge` makes the statistics of a row from those of two blocks of its classes;
- `value` makes the loss of them;
- `gradient` and `target_gradient` are the derivatives of the loss, given the statistics of whole rows.

The last two say the derivative of one row; all of them multiply it by ``w``, one number for each row. Only
the formulas are here: the public functions, with their options and checks, are in `xent.losses`.

Three rules hold in all of them. No two numbers that may be nearly equal are subtracted, unless they are
known exactly or the docstring says what is left: a loss of 2e−9 has as many digits as one of 2. A sum
keeps its largest term apart, in logs and exponentials, until nothing can drown. And an infinite number is
given its limit where it has one (R4, R5), by a select on something that is as small as a row where that
can be done. What these cost and how exact each loss is stands in the documentation of the numerics.

A gradient that is made without what `measure` made can be differentiated any number of times: each `where`
in it chooses between two branches that are both smooth where they meet.
"""
