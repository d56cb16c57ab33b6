"""A small language for rules: `count(bottle) < 12 and coverage(rust) > 0.05`. Parsed, never executed as Python.

Operators: + - * / ** and or not < <= > >= == !=, numbers, names, and calls of known functions. The arguments of a call
are names (of classes or zones; in quotes where they are no plain word), or, for a function that takes a predicate, an
expression over the names of one object. Values may be numbers or numpy arrays, which are combined element by element.

Unlike Python: a power is of floating-point numbers (so it cannot grow without end), a division by zero is infinite or
undefined instead of an error, `and` and `or` answer true or false, and an undefined number is not true.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

import numpy as np

from segwise.errors import UsageError

Scope = Mapping[str, Any]
ACTION = re.compile(r"^\s*if\s+(?P<rule>.+?)\s+then\s+(?P<name>[\w -]+?)\s*$", re.DOTALL)
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: np.divide, ast.Pow: np.float_power,
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
MAX_LENGTH, MAX_DEPTH, MAX_NUMBER = 1000, 100, 1e15  # of a rule: characters, levels, and the largest number in it


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed rule. Call it with the values of its names and its functions; `predicates` are those that take one."""

    text: str
    tree: ast.expr
    predicates: frozenset[str] = frozenset()

    def __call__(self, scope: Scope) -> Any:
        """Its value.

        Args:
            scope: a value for each name; for each function a callable of the names in its call (text), or, for a
                function that takes a predicate, of the `Expression` in its call.
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return self._value(self.tree, scope)

    def calls(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Every call of a function of names: its name and arguments."""
        found = [(ast.unparse(node.func), node) for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        return tuple((name, _arguments(node)) for name, node in found if name not in self.predicates)

    def used(self) -> frozenset[str]:
        """The names of its values; what stands in a call is not one."""
        return frozenset(_names(self.tree))

    def _value(self, node: ast.AST, scope: Scope) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return scope[name]
            case ast.BoolOp(op=join, values=values):
                terms = [true(self._value(value, scope)) for value in values]
                return reduce(np.logical_and if isinstance(join, ast.And) else np.logical_or, terms)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return np.logical_not(true(self._value(operand, scope)))
            case ast.UnaryOp(op=sign, operand=operand):
                inner = _number(self._value(operand, scope))
                return -inner if isinstance(sign, ast.USub) else inner
            case ast.BinOp(left=left, op=sum_, right=right):
                return ARITHMETIC[type(sum_)](_number(self._value(left, scope)), _number(self._value(right, scope)))
            case ast.Compare(left=left, ops=ops, comparators=rest):
                terms = [self._value(term, scope) for term in (left, *rest)]
                pairs = zip(ops, terms, terms[1:], strict=False)  # each with the next: the last has none
                return reduce(np.logical_and, [COMPARISONS[type(op)](one, next_) for op, one, next_ in pairs])
            case ast.Call(func=ast.Name(id=name), args=[argument]) if name in self.predicates:
                return scope[name](Expression(ast.unparse(argument), argument))
            case ast.Call(func=ast.Name(id=name)):
                return scope[name](*_arguments(node))
        raise AssertionError(ast.dump(node))  # `parse` let nothing else through


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
    if _depth(tree) > MAX_DEPTH:
        raise UsageError(f"a rule of at most {MAX_DEPTH} levels", f"more in {text!r}", "say it shorter")
    _check(tree, text, names, functions, known)
    return Expression(text.strip(), tree, frozenset(name for name, takes in functions.items() if takes != "names"))


@lru_cache(maxsize=64)  # the same few rules are read once per image
def parse_action(text: str) -> tuple[Expression, str]:
    """`if RULE then NAME` → the rule over `count`, `coverage` and `present`, and the action's name.

    `count(class)` is a number of objects, `coverage(class)` a share of the pixels in [0, 1], `present(class)` true or
    false; without a class they are of all classes of the decision, and a second name is a zone.

    Raises:
        UsageError: it is none.
    """
    found = ACTION.match(text) if len(text) <= MAX_LENGTH else None
    if found is None:
        raise UsageError("an action `if RULE then NAME`", f"{text!r}", "for example: if count(bottle) < 12 then alert")
    functions = {"count": "names", "coverage": "names", "present": "names"}
    return parse(found["rule"], (), functions), found["name"].strip()


def _depth(tree: ast.AST) -> int:
    level, depth = [tree], 0
    while level := [child for node in level for child in ast.iter_child_nodes(node)]:
        depth += 1
    return depth


def _check(node: ast.AST, text: str, names: tuple[str, ...], functions: Mapping[str, str], known: str) -> None:
    def refuse(what: str) -> UsageError:
        return UsageError("a rule of known names and functions", f"{what} in {text!r}", f"use {known}")

    children: list[ast.AST] = []
    match node:
        case ast.BoolOp(values=values):
            children = list(values)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd(), operand=operand):
            children = [operand]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            children = [left, right]
        case ast.Compare(left=left, ops=ops, comparators=rest) if all(type(op) in COMPARISONS for op in ops):
            children = [left, *rest]
        case ast.Constant(value=bool() | int() | float() as number) if abs(number) <= MAX_NUMBER:
            pass
        case ast.Name(id=name) if name in names:
            pass
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if functions.get(name) == "names":
            if not all(_is_word(arg) for arg in args):
                raise refuse(f"`{name}` of something that is no name")
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in functions:
            if len(args) != 1:
                raise refuse(f"`{name}` of {len(args)} conditions")
            takes = functions[name].split()
            _check(args[0], text, tuple(takes), {}, ", ".join(takes))
        case _:
            raise refuse(f"`{ast.unparse(node)}`")
    for child in children:
        _check(child, text, names, functions, known)


def _is_word(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _arguments(node: ast.Call) -> tuple[str, ...]:
    return tuple(arg.id if isinstance(arg, ast.Name) else str(getattr(arg, "value", "")) for arg in node.args)


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Call):
        return []
    own = [node.id] if isinstance(node, ast.Name) else []
    return own + [name for child in ast.iter_child_nodes(node) for name in _names(child)]


def true(value: Any) -> Any:
    """What counts as true, element by element: not zero, and defined."""
    return np.logical_and(np.not_equal(value, 0), np.equal(value, value))


def _number(value: Any) -> Any:
    """Truth as 0 or 1: numpy would add two truths to a truth."""
    return value * 1 if isinstance(value, bool) or getattr(value, "dtype", None) == np.bool_ else value
