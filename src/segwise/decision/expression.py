"""A small language for rules: `count(bottle) < 12 and coverage(rust) > 0.05`. Parsed, never executed as Python.

Operators: + - * / ** and or not < <= > >= == !=, numbers, names, and calls of known functions. The arguments of a call
are names (of classes or zones; in quotes where they are no plain word), or, for a function that takes a predicate, an
expression over the names of one object. Values may be numbers or numpy arrays, which are combined element by element.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from segwise.errors import UsageError

Scope = Mapping[str, Any]
ACTION = re.compile(r"^\s*if\s+(?P<rule>.+?)\s+then\s+(?P<name>[\w -]+?)\s*$", re.DOTALL)
BINARY: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: np.divide, ast.Pow: operator.pow,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
MAX_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed rule. Call it with the values of its names and its functions."""

    text: str
    tree: ast.expr

    def __call__(self, scope: Scope) -> Any:
        """Its value.

        Args:
            scope: a value for each name; for each function a callable of the names in its call (text), or, for a
                function that takes a predicate, of the `Expression` in its call.
        """
        return _value(self.tree, scope)

    def calls(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Every call of a function of names: its name and arguments."""
        found = (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))
        return tuple((node.func.id, _arguments(node)) for node in found if _is_call_of_names(node))  # type: ignore[attr-defined]  # checked in parse

    def used(self) -> frozenset[str]:
        """The names of its values; what stands in a call is not one."""
        return frozenset(_names(self.tree))


def parse(text: str, names: tuple[str, ...], functions: Mapping[str, str]) -> Expression:
    """Parse a rule.

    Args:
        names: the values it may use, outside of calls.
        functions: what it may call, and what each takes: "names", or the names an object's predicate may use,
            separated by blanks.

    Raises:
        UsageError: it is no expression, or uses something else.
    """
    known = ", ".join((*names, *(f"{name}(…)" for name in functions)))
    if len(text) > MAX_LENGTH:
        raise UsageError(f"a rule of at most {MAX_LENGTH} characters", f"{len(text)}", "say it shorter")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UsageError("a rule such as `count(bottle) < 12`", f"{text!r}", f"use {known}") from error
    _check(tree, text, names, functions, known)
    return Expression(text.strip(), tree)


def parse_action(text: str) -> tuple[Expression, str]:
    """`if RULE then NAME` → the rule over `count`, `coverage` and `present`, and the action's name.

    `count(class)` is a number of objects, `coverage(class)` a share of the pixels in [0, 1], `present(class)` true or
    false; without a class they are of all classes of the decision, and a second name is a zone.

    Raises:
        UsageError: it is none.
    """
    found = ACTION.match(text)
    if found is None:
        raise UsageError("an action `if RULE then NAME`", f"{text!r}", "for example: if count(bottle) < 12 then alert")
    functions = {"count": "names", "coverage": "names", "present": "names"}
    return parse(found["rule"], (), functions), found["name"].strip()


def _check(node: ast.AST, text: str, names: tuple[str, ...], functions: Mapping[str, str], known: str) -> None:
    def refuse(what: str) -> UsageError:
        return UsageError("a rule of known names and functions", f"{what} in {text!r}", f"use {known}")

    match node:
        case ast.BoolOp(values=values):
            children: list[ast.AST] = list(values)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd(), operand=operand):
            children = [operand]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            children = [left, right]
        case ast.Compare(left=left, ops=ops, comparators=rest) if all(type(op) in BINARY for op in ops):
            children = [left, *rest]
        case ast.Constant(value=bool() | int() | float()):
            children = []
        case ast.Name(id=name) if name in names:
            children = []
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in functions:
            takes = functions[name]
            if takes == "names":
                if not all(_is_word(arg) for arg in args):
                    raise refuse(f"`{name}` of something that is no name")
            else:
                if len(args) != 1:
                    raise refuse(f"`{name}` of {len(args)} conditions")
                _check(args[0], text, tuple(takes.split()), {}, takes.replace(" ", ", "))
            children = []
        case _:
            raise refuse(f"`{ast.unparse(node)}`")
    for child in children:
        _check(child, text, names, functions, known)


def _is_word(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_call_of_names(node: ast.Call) -> bool:
    return all(_is_word(arg) for arg in node.args)


def _arguments(node: ast.Call) -> tuple[str, ...]:
    return tuple(arg.id if isinstance(arg, ast.Name) else str(arg.value) for arg in node.args)  # type: ignore[attr-defined]  # words only


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Call):
        return []
    own = [node.id] if isinstance(node, ast.Name) else []
    return own + [name for child in ast.iter_child_nodes(node) for name in _names(child)]


def _value(node: ast.AST, scope: Scope) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return scope[name]
        case ast.BoolOp(op=op, values=values):
            join = np.logical_and if isinstance(op, ast.And) else np.logical_or
            result = _value(values[0], scope)
            for value in values[1:]:
                result = join(result, _value(value, scope))
            return result
        case ast.UnaryOp(op=op, operand=operand):
            inner = _value(operand, scope)
            return np.logical_not(inner) if isinstance(op, ast.Not) else -inner if isinstance(op, ast.USub) else inner
        case ast.BinOp(left=left, op=op, right=right):
            with np.errstate(divide="ignore", invalid="ignore"):
                return BINARY[type(op)](_value(left, scope), _value(right, scope))
        case ast.Compare(left=left, ops=ops, comparators=rest):
            terms = [_value(term, scope) for term in (left, *rest)]
            result = BINARY[type(ops[0])](terms[0], terms[1])
            for index, op in enumerate(ops[1:], start=1):
                result = np.logical_and(result, BINARY[type(op)](terms[index], terms[index + 1]))
            return result
        case ast.Call(func=ast.Name(id=name)) if _is_call_of_names(node):
            return scope[name](*_arguments(node))
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            return scope[name](Expression(ast.unparse(argument), argument))
    raise AssertionError(ast.dump(node))  # `parse` let nothing else through
