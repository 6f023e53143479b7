"""The benchmarks: they run, and see what is wrong."""
