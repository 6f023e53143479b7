"""``python -m benchmarks counts``: what a call asks of a device, counted where there is none.

A device is bound by the bytes that it moves, and below a megabyte by the kernels that it launches.
Counted are

passes
    Bytes that are read and written, in units of all logits.
launches
    Kernels.
waits
    How often the host waits for the device, to see a value.
"""
