"""How many small faults, put into a module one at a time, do its tests find?

    python benchmarks/mutation.py gate                       # every module of a group, with the tests named below
    python benchmarks/mutation.py src/segwise/bundle.py --tests tests/test_bundle.py

A mutant is the module with one thing changed: a comparison or a condition turned around, a number moved, `and` for
`or`, plus for minus, `min` for `max`, a result replaced by None. It is found when a test fails or does not end. No
file is changed: each mutant is imported in place of its module by a process of its own, forked after the heavy
packages are loaded. Words (strings), annotations and decorators are left alone.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType

HEAVY = ("numpy", "pandas", "scipy.stats", "scipy.special", "pydantic", "hypothesis", "yaml", "cv2", "pytest")
LOADED = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"  # of HEAVY, whose assertions are not ours
GATE = "tests/gate/test_"
OWN = {  # the tests of a module of the gate that are most likely to find a fault: they run first
    "bounds": ["bounds"], "checks": ["bounds", "verdict"], "comparison": ["comparison"], "constant": ["constant"],
    "criteria": ["criteria"], "misses": ["misses"], "power": ["bounds", "comparison"], "slices": ["slices"],
    "verdict": ["verdict", "slices"],
}  # fmt: skip
GATE_LAST = ["verdict", "slices", "stage"]  # not the simulations, which take longest

STORED = ["tests/registry/test_store.py", "tests/stages/test_rollback.py"]


@dataclass(frozen=True)
class Target:
    """A module's file and the tests that should find its faults, in the order they run."""

    path: Path
    tests: list[str]

    @property
    def name(self) -> str:
        parts = self.path.with_suffix("").parts
        return ".".join(parts[parts.index("segwise") :]).removesuffix(".__init__")


def _gate(name: str) -> Target:
    order = list(dict.fromkeys([*OWN.get(name, []), *GATE_LAST]))
    return Target(Path(f"src/segwise/gate/{name}.py"), [f"{GATE}{test}.py" for test in order])


GROUPS: dict[str, Callable[[], list[Target]]] = {
    "gate": lambda: [
        *map(_gate, OWN),
        Target(Path("src/segwise/stages/gate.py"), [f"{GATE}stage.py", f"{GATE}verdict.py"]),
    ],
    "registry": lambda: [
        Target(
            path,
            [
                "tests/registry",
                "tests/test_registry.py",
                *(["tests/stages/test_audit.py"] if path.stem in ("audit", "committed", "head") else []),
            ],
        )
        for path in sorted(Path("src/segwise/registry").glob("*.py"))
    ],
    "bundle": lambda: [Target(Path("src/segwise/bundle.py"), STORED)],
    "store": lambda: [Target(Path("src/segwise/store.py"), STORED)],
}

# --- what is changed --------------------------------------------------------------------------------------------

Change = tuple[str, Callable[[ast.AST], None]]
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
PAIRS = (("min", "max"), ("any", "all"), ("floor", "ceil"))
OTHER = {a: b for first, second in PAIRS for a, b in ((first, second), (second, first))}


def changes(node: ast.AST) -> Iterator[Change]:
    """What may be changed in one node: words for it, and a function that does it to (a copy of) the node."""
    if isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            for other in COMPARISONS.get(type(op), ()):
                yield f"{type(op).__name__} → {other.__name__}", _set_op(index, other)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} → {other.__name__}", lambda n, o=other: setattr(n, "op", o())  # type: ignore[misc]
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in ARITHMETIC:
        swapped = ARITHMETIC[type(node.op)]
        yield f"{type(node.op).__name__} → {swapped.__name__}", lambda n: setattr(n, "op", swapped())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        word = "not removed" if isinstance(node.op, ast.Not) else "minus removed"
        yield word, _undo
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield "condition turned around", lambda n: setattr(n, "test", _negated(n.test))  # type: ignore[attr-defined]
    elif isinstance(node, ast.comprehension):
        for index in range(len(node.ifs)):
            yield "filter turned around", lambda n, i=index: n.ifs.__setitem__(i, _negated(n.ifs[i]))  # type: ignore[misc]
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield "return None", lambda n: setattr(n, "value", ast.Constant(None))
    elif isinstance(node, ast.Constant):
        yield from _constants(node.value)
    elif isinstance(node, ast.Name | ast.Attribute):
        key = "id" if isinstance(node, ast.Name) else "attr"
        if (name := getattr(node, key)) in OTHER:
            yield f"{name} → {OTHER[name]}", lambda n: setattr(n, key, OTHER[name])


def _set_op(index: int, other: type[ast.cmpop]) -> Callable[[ast.AST], None]:
    return lambda n: n.ops.__setitem__(index, other())  # type: ignore[attr-defined]


def _undo(node: ast.AST) -> None:
    """−x → −(−x), not x → not not x."""
    if isinstance(node, ast.UnaryOp):
        node.operand = ast.UnaryOp(type(node.op)(), node.operand)


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _constants(value: object) -> Iterator[Change]:
    if isinstance(value, bool):
        yield f"{value} → {not value}", lambda n: setattr(n, "value", not value)
    elif isinstance(value, int):
        for other in (value + 1, value - 1):
            yield f"{value} → {other}", lambda n, o=other: setattr(n, "value", o)  # type: ignore[misc]
    elif isinstance(value, float):
        moved = value * 1.5 if value else 1.0
        yield f"{value} → {moved}", lambda n: setattr(n, "value", moved)


def mutants(source: str) -> Iterator[tuple[int, str, ast.Module]]:
    """(line, what was changed, the whole module with that change)."""
    tree = ast.parse(source)
    skipped = {id(inner) for part in _left_alone(tree) for inner in ast.walk(part)}
    for index, node in enumerate(ast.walk(tree)):
        if id(node) in skipped:
            continue
        for number, (words, _) in enumerate(changes(node)):
            changed = copy.deepcopy(tree)
            inner = next(n for i, n in enumerate(ast.walk(changed)) if i == index)
            list(changes(inner))[number][1](inner)
            line = getattr(node, "lineno", None) or getattr(getattr(node, "target", None), "lineno", 0)
            yield line, words, ast.fix_missing_locations(changed)


def _left_alone(tree: ast.Module) -> Iterator[ast.AST]:
    """Annotations, decorators and type aliases."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield from node.decorator_list
        for key in ("annotation", "returns"):
            if (part := getattr(node, key, None)) is not None:
                yield part
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if any(name[:1].isupper() and not name.isupper() for name in names):  # Values = Mapping[str, …]
                yield node.value


# --- running the tests ------------------------------------------------------------------------------------------


class Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the code of a mutant where the module is asked for."""

    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        self.name, self.path, self.code = name, path, code

    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        found = importlib.util.spec_from_file_location(fullname, self.path, loader=self)
        if found is not None and self.path.name == "__init__.py":
            found.submodule_search_locations = [str(self.path.parent)]
        return found

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)  # noqa: S102  # the mutant


def passes(target: Target, tree: ast.Module | None, limit_s: int) -> bool:
    """Whether the tests pass, in a forked process, with `tree` in the module's place (None = as it is)."""
    child = os.fork()
    if child == 0:
        os._exit(_tested(target, tree, limit_s))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 5:
        raise SystemExit(f"no test in {', '.join(target.tests)}")
    return code == 0


def _tested(target: Target, tree: ast.Module | None, limit_s: int) -> int:
    import pytest

    signal.alarm(limit_s)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    try:
        if tree is not None:
            code = compile(tree, str(target.path.resolve()), "exec")
            sys.meta_path.insert(0, Instead(target.name, target.path.resolve(), code))
        return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-W", LOADED, *target.tests]))
    except BaseException:
        return 1


@dataclass
class Score:
    """What became of a module's mutants; `survived` are those that no test found."""

    name: str
    num: int = 0
    survived: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return 1 - len(self.survived) / self.num if self.num else 1.0

    def __str__(self) -> str:
        killed = self.num - len(self.survived)
        return f"{self.name:32} {killed:4} of {self.num:4} found  {100 * self.share:5.1f} %"


def score(target: Target, limit_s: int, every: int) -> Score:
    """Run every mutant of a module, or each `every`th."""
    if not passes(target, None, 10 * limit_s):
        raise SystemExit(f"{target.name}: its tests fail without any change: {', '.join(target.tests)}")
    found, start = Score(target.name), time.monotonic()
    for number, (line, words, tree) in enumerate(mutants(target.path.read_text(encoding="utf-8"))):
        if number % every:
            continue
        found.num += 1
        if passes(target, tree, limit_s):
            found.survived.append(f"{target.path}:{line}: {words}")
            print(f"  survived: {found.survived[-1]}", flush=True)
    print(f"{found}  ({time.monotonic() - start:.0f} s)", flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print each module's score and the mutants that survived; exit 1 below `--at-least`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", help=f"groups ({', '.join(GROUPS)}) or files")
    parser.add_argument("--tests", nargs="+", default=[], help="of the files")
    parser.add_argument("--at-least", type=float, default=0.0, help="share of mutants to be found")
    parser.add_argument("--limit-s", type=int, default=120, help="a mutant whose tests take longer is found")
    parser.add_argument("--every", type=int, default=1, help="take each nth mutant only")
    values = parser.parse_args(arguments)
    targets = [
        t for what in values.what for t in (GROUPS[what]() if what in GROUPS else [Target(Path(what), values.tests)])
    ]
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = os.devnull
    for name in HEAVY:
        importlib.import_module(name)
    _no_shrinking()
    scores = [score(target, values.limit_s, values.every) for target in targets]
    total = Score("all", sum(s.num for s in scores), [line for s in scores for line in s.survived])
    print("\n".join(str(s) for s in [*scores, total]))
    return int(total.share < values.at_least)


def _no_shrinking() -> None:
    """A failing example need not be made small."""
    from hypothesis import Phase, settings

    settings.register_profile("mutation", phases=(Phase.explicit, Phase.generate), database=None, derandomize=True)
    settings.load_profile("mutation")


if __name__ == "__main__":
    sys.exit(main())
