"""The losses. Public functions in the files without an underscore, their formulas in those with one."""
