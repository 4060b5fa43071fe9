"""Mutation operators: each takes one node of a syntax tree and yields what could stand there.

A replacement is a new node; nothing is changed in place. What the operators never see (annotations,
messages, guards that only raise) is decided in `sites`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Surroundings(NamedTuple):
    """Where a node stands: what holds it, and the innermost function around it."""

    parent: ast.AST | None
    function: ast.FunctionDef | None


Operator = Callable[[Any, Surroundings], Iterator[ast.AST]]

_SWAPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_COPIES = ("replace", "_replace", "evolve", "with_metadata")
_TEXTS = (ast.JoinedStr, ast.Tuple, ast.List)
_EMPTIES = (("tuple[", ast.Tuple(elts=[], ctx=ast.Load())), ("str", ast.Constant(value="")))


def swap_comparison(node: ast.AST, _: Surroundings) -> Iterator[ast.AST]:
    """< and <=, > and >=, == and !=, is and is not, in and not in."""
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            ops = [*node.ops[:i], _SWAPS[type(op)](), *node.ops[i + 1 :]]
            yield ast.Compare(node.left, ops, node.comparators)


def swap_and_or(node: ast.AST, _: Surroundings) -> Iterator[ast.AST]:
    """`and` becomes `or`, and the other way round."""
    if isinstance(node, ast.BoolOp):
        op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield ast.BoolOp(op, node.values)


def negate_condition(node: ast.AST, at: Surroundings) -> Iterator[ast.AST]:
    """A condition becomes its opposite, where no swap of a comparison says the same."""
    if not _is_condition(node, at.parent) or isinstance(node, ast.UnaryOp):
        return
    is_swapped = isinstance(node, ast.Compare) and len(node.ops) == 1
    if isinstance(node, ast.Compare) and is_swapped and not isinstance(node.ops[0], _ORDERINGS):
        return
    yield ast.UnaryOp(ast.Not(), node)  # type: ignore[arg-type]


def drop_not(node: ast.AST, _: Surroundings) -> Iterator[ast.AST]:
    """`not x` becomes `x`."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand


def _is_condition(node: ast.AST, parent: ast.AST | None) -> bool:
    if isinstance(parent, ast.If | ast.IfExp | ast.While):
        return parent.test is node
    return isinstance(parent, ast.comprehension) and any(node is test for test in parent.ifs)


def swap_plus_minus(node: ast.AST, _: Surroundings) -> Iterator[ast.AST]:
    """+ becomes -, and - becomes +, where neither side is written as a text or a sequence."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
        op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        if isinstance(node, ast.AugAssign):
            if not _is_text(node.value):
                yield ast.AugAssign(node.target, op, node.value)
        elif not (_is_text(node.left) or _is_text(node.right)):
            yield ast.BinOp(node.left, op, node.right)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, _TEXTS) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def change_constant(node: ast.AST, at: Surroundings) -> Iterator[ast.AST]:
    """A number grows by one; True and False change places."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            is_check = isinstance(at.parent, ast.keyword) and at.parent.arg == "strict"
            if not isinstance(at.parent, ast.Return) and not is_check:
                yield ast.Constant(not node.value)
        elif isinstance(node.value, int):
            yield ast.Constant(node.value + 1)


def return_constant(node: ast.AST, at: Surroundings) -> Iterator[ast.AST]:
    """A function that answers yes or no always says one; another gives nothing where it may."""
    if not isinstance(node, ast.Return) or at.function is None or node.value is None:
        return
    returns = ast.unparse(at.function.returns) if at.function.returns else ""
    known = node.value.value if isinstance(node.value, ast.Constant) else ...
    if returns == "bool":
        yield from (ast.Return(ast.Constant(x)) for x in (True, False) if x is not known)
    elif "| None" in returns and known is not None:
        yield ast.Return(ast.Constant(None))
    else:
        yield from (ast.Return(empty) for start, empty in _EMPTIES if returns.startswith(start))


def drop_statement(node: ast.AST, at: Surroundings) -> Iterator[ast.AST]:
    """A call, a deletion, or an assignment to what has a value already, is left out."""
    if at.function is None:
        return
    if isinstance(node, ast.Expr):
        is_dropped = not isinstance(node.value, ast.Constant)
    elif isinstance(node, ast.Assign):
        is_dropped = all(_has_value(target, at.function) for target in node.targets)
    else:
        is_dropped = isinstance(node, ast.AugAssign | ast.Delete)
    if is_dropped:
        yield ast.Pass()


def _has_value(target: ast.AST, function: ast.FunctionDef) -> bool:
    """Is it bound before this place in the text, so that leaving it out is no mere NameError?"""
    if isinstance(target, ast.Tuple):
        return all(_has_value(part, function) for part in target.elts)
    if not isinstance(target, ast.Name):
        return True
    arguments = function.args
    named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    if any(argument.arg == target.id for argument in named):
        return True
    return any(
        isinstance(other, ast.Name)
        and other.id == target.id
        and isinstance(other.ctx, ast.Store)
        and (other.lineno, other.col_offset) < (target.lineno, target.col_offset)
        for other in ast.walk(function)
    )


def drop_keyword(node: ast.AST, _: Surroundings) -> Iterator[ast.AST]:
    """A copy with changed fields leaves one field as it was."""
    if not isinstance(node, ast.Call):
        return
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    name = node.func.id if isinstance(node.func, ast.Name) else name
    if name in _COPIES:
        for i, keyword in enumerate(node.keywords):
            if keyword.arg is not None:
                kept = [*node.keywords[:i], *node.keywords[i + 1 :]]
                yield ast.Call(node.func, node.args, kept)


def drop_branch(node: ast.AST, _: Surroundings) -> Iterator[ast.AST]:
    """What an `if` does, or what its `else` does, is left out."""
    if isinstance(node, ast.If):
        yield ast.If(node.test, [ast.Pass()], node.orelse)
        if node.orelse:
            yield ast.If(node.test, node.body, [])


OPERATORS: dict[str, Operator] = {
    "comparison": swap_comparison,
    "and-or": swap_and_or,
    "negation": negate_condition,
    "not": drop_not,
    "plus-minus": swap_plus_minus,
    "constant": change_constant,
    "return": return_constant,
    "statement": drop_statement,
    "keyword": drop_keyword,
    "branch": drop_branch,
}
"""Every operator by its name, in the order in which sites are numbered."""


def variants(node: ast.AST, at: Surroundings) -> Iterator[tuple[str, ast.AST]]:
    """All that could stand in the place of a node, with the name of the operator."""
    for name, operator in OPERATORS.items():
        for replacement in operator(node, at):
            if ast.dump(replacement) != ast.dump(node):
                yield name, replacement
