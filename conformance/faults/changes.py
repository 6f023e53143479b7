"""The faults: small changes of a module's syntax tree, each at one place."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

SWAPPED: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And,
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}  # fmt: skip
#: Comparisons that differ in a tie alone.
EDGES: dict[type, type] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
#: Functions that are taken for each other.
NAMES = {
    "minimum": "maximum", "maximum": "minimum", "max": "min", "min": "max", "log": "log1p",
    "log1p": "log", "exp": "expm1", "expm1": "exp", "zeros_like": "ones_like",
    "ones_like": "zeros_like", "isnan": "isinf", "isinf": "isnan",
}  # fmt: skip


class Fault(NamedTuple):
    """A change at one place: the module, the node by its order, which of its changes, and words."""

    module: str
    path: Path
    node: int
    change: int
    line: int
    text: str


Change = tuple[str, Callable[[Any], ast.AST]]


def faults(module: str, path: Path) -> list[Fault]:
    """Return every fault of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        Fault(module, path, index, which, node.lineno, text)
        for index, node in enumerate(_formulas(tree))
        for which, (text, _) in enumerate(_changes(node))
    ]


def changed(fault: Fault) -> ast.Module:
    """Return the module's tree with the fault in it."""
    tree = ast.parse(fault.path.read_text(encoding="utf-8"))
    node = list(_formulas(tree))[fault.node]
    made = ast.copy_location(_changes(node)[fault.change][1](node), node)
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is node:
                setattr(parent, name, made)
            elif isinstance(value, list):
                value[:] = [made if item is node else item for item in value]
    return ast.fix_missing_locations(tree)


def _formulas(tree: ast.AST) -> Iterator[Any]:
    """Yield the nodes below, but for what is no formula: annotations, decorators, messages of errors."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "keywords" if _raised(tree) else ""):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.AST) and not isinstance(node, (ast.Raise, ast.Import)):
                yield node
                yield from _formulas(node)


def _raised(tree: ast.AST) -> bool:
    return isinstance(tree, ast.ClassDef)


def _changes(node: ast.AST) -> list[Change]:
    """Return the changes of one node, in words and as what makes the new node."""
    kinds: dict[type, Callable[[Any], list[Change]]] = {
        ast.BinOp: _operators, ast.BoolOp: _operators, ast.Compare: _comparisons,
        ast.UnaryOp: lambda n: [(f"{ast.unparse(n)} loses its operator", lambda x: x.operand)],
        ast.Constant: _constants, ast.Call: _calls, ast.IfExp: _branches, ast.If: _branches,
    }  # fmt: skip
    return kinds.get(type(node), lambda _: [])(node)


def _operators(node: Any) -> list[Change]:
    word = ast.unparse(node)
    made: list[Change] = []
    if type(node.op) in SWAPPED:
        made.append((f"{word}: another operator", _with(op=SWAPPED[type(node.op)]())))
    if isinstance(node, ast.BinOp) and not _is_type(node):
        made.append((f"{word}: only the left", lambda n: n.left))
        made.append((f"{word}: only the right", lambda n: n.right))
    return made


def _is_type(node: ast.BinOp) -> bool:
    return isinstance(node.op, ast.BitOr) and isinstance(node.right, ast.Name | ast.Constant)


def _comparisons(node: ast.Compare) -> list[Change]:
    word, kind = ast.unparse(node), type(node.ops[0])
    tables = ((SWAPPED, "turned"), (EDGES, "ties decided otherwise"))
    return [
        (f"{word}: {how}", _with(ops=[table[kind]()])) for table, how in tables if kind in table
    ]


def _constants(node: ast.Constant) -> list[Change]:
    value = node.value
    if isinstance(value, bool):
        return [(f"{value}: turned", _with(value=not value))]
    if isinstance(value, int | float):
        other = value + 1 if isinstance(value, int) or value == 0 else 2 * value
        return [(f"{value}: {other}", _with(value=other))]
    return []


def _calls(node: ast.Call) -> list[Change]:
    if not isinstance(node.func, ast.Attribute):
        return []
    word, name = ast.unparse(node), node.func.attr
    if name == "where":
        a, b, c = node.args
        return [(f"{word}: branches swapped", _with(args=[a, c, b]))]
    if name in NAMES:
        func = ast.Attribute(node.func.value, NAMES[name], node.func.ctx)
        return [(f"{word}: {NAMES[name]}", _with(func=func))]
    return []


def _branches(node: ast.If | ast.IfExp) -> list[Change]:
    negated = ast.UnaryOp(ast.Not(), node.test)
    return [(f"if {ast.unparse(node.test)}: branches swapped", _with(test=negated))]


def _with(**fields: Any) -> Callable[[Any], ast.AST]:
    def make(node: Any) -> ast.AST:
        return type(node)(**{**dict(ast.iter_fields(node)), **fields})

    return make
