"""Change a line of the code at random, many times, and see whether a test fails each time.

The tests run once to learn which of them call which function. Then each mutant is a fork of this process, in
which the code of one function is replaced by one with a change, and the tests that call it run until one fails.
"""

from __future__ import annotations

import argparse
import ast
import copy
import functools
import gc
import json
import os
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import settings

ROOT = Path(__file__).parents[1]
PACKAGES = ("corpus", "evaluation", "features", "preprocessing")
TESTS = (*PACKAGES, "audit")
MAX_SECONDS = 20.0  # of tests for one mutant, the fastest first
Key = tuple[str, str, int]  # file, qualified name and first line of a function

_COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_BOOLEANS = {ast.And: ast.Or, ast.Or: ast.And}


@dataclass(frozen=True)
class Mutant:
    """A change of one node of one function."""

    function: Key
    node: int  # in the order of `ast.walk` over the file
    line: int


def change(node: ast.AST) -> ast.AST | None:
    """Return a node with one change; ``None`` if there is nothing to change."""
    match node:
        case ast.Compare(ops=[op, *rest]) if type(op) in _COMPARISONS:
            return ast.Compare(node.left, [_COMPARISONS[type(op)](), *rest], node.comparators)
        case ast.BinOp(op=op) if type(op) in _OPERATORS:
            return ast.BinOp(node.left, _OPERATORS[type(op)](), node.right)
        case ast.BoolOp(op=op):
            return ast.BoolOp(_BOOLEANS[type(op)](), node.values)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            return operand
        case ast.Constant(value=bool(value)):
            return ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            return ast.Constant(value + 1)
        case ast.IfExp():
            return ast.IfExp(node.test, node.orelse, node.body)
        case ast.If():
            return ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        case ast.Return(value=value) if value is not None and not _is_none(value):
            return ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Continue() | ast.Break():
            return ast.Pass()
    return None


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def find_mutants(path: Path) -> Iterator[Mutant]:
    """Yield all mutants of the functions of a file; annotations and docstrings are not changed."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    numbers = {id(node): n for n, node in enumerate(ast.walk(tree))}
    types = {id(part) for node in ast.walk(tree) for one in _annotations(node) for part in ast.walk(one)}
    for key, function in _functions(tree, str(path)):
        for statement in function.body:
            for node in ast.walk(statement):
                if id(node) not in types and change(node) is not None:
                    yield Mutant(key, numbers[id(node)], getattr(node, "lineno", function.lineno))


def _annotations(node: ast.AST) -> list[ast.AST]:
    return [one for name in ("annotation", "returns") if isinstance(one := getattr(node, name, None), ast.AST)]


def _functions(tree: ast.AST, path: str, prefix: str = "") -> Iterator[tuple[Key, ast.FunctionDef]]:
    """Yield functions and methods that are not within functions, by the line where Python says they start."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, path, f"{prefix}{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            yield (path, f"{prefix}{node.name}", first), node
        elif isinstance(node, ast.If):
            yield from _functions(node, path, prefix)


class _Replace(ast.NodeTransformer):
    """Replaces one node of a tree."""

    def __init__(self, target: ast.AST, changed: ast.AST) -> None:
        self.target, self.changed = target, changed

    def visit(self, node: ast.AST) -> ast.AST:
        return self.changed if node is self.target else self.generic_visit(node)


def compile_mutant(mutant: Mutant) -> tuple[CodeType, str]:
    """Return the code of the changed function, and the change."""
    path, name, first = mutant.function
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    target = list(ast.walk(tree))[mutant.node]
    changed = ast.copy_location(change(copy.deepcopy(target)), target)
    before, after = ast.unparse(target).splitlines()[0], ast.unparse(changed).splitlines()[0]
    tree = ast.fix_missing_locations(_Replace(target, changed).visit(tree))
    found = [c for c in _codes(compile(tree, path, "exec")) if (c.co_qualname, c.co_firstlineno) == (name, first)]
    return found[0], f"{before}  ->  {after}"


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


class Mutation:
    """A plugin of pytest: runs the tests once, then those of each mutant in a fork."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.packages, self.out = arguments.packages, arguments.out
        self.count, self.seed, self.jobs = arguments.count, arguments.seed, arguments.jobs
        self.callers: dict[Key, set[int]] = defaultdict(set)
        self.seconds: dict[int, float] = {}
        self.rows: list[dict[str, object]] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Replace the loop of pytest."""
        settings.register_profile("mutants", deadline=None, database=None, derandomize=True)
        settings.load_profile("mutants")
        items = session.items
        self._run_once(items)
        gc.unfreeze()
        functions = self._find_functions()
        caches = [o for o in gc.get_objects() if type(o) is functools._lru_cache_wrapper]
        mutants = [m for p in sorted(self._files()) for m in find_mutants(Path(p))]
        chosen = random.Random(self.seed).sample(mutants, min(self.count, len(mutants)))
        print(f"\n{len(items)} tests, {len(mutants)} possible mutants, {len(chosen)} of them made", flush=True)
        gc.freeze()
        self._run_mutants(chosen, items, functions, caches)
        print(dict(Counter(row["state"] for row in self.rows)), flush=True)
        self.out.write_text(json.dumps(self.rows, indent=1, ensure_ascii=False), encoding="utf-8")
        return True

    def _files(self) -> set[str]:
        folders = [ROOT / "src" / "sentir" / name for name in self.packages]
        return {str(path) for folder in folders for path in folder.rglob("*.py")}

    def _run_once(self, items: list[pytest.Item]) -> None:
        """Run every test, and note the functions that it calls; those that fail are left out."""
        files = self._files()
        for n, item in enumerate(items):
            called: set[Key] = set()

            def note(frame, event, _argument, called=called):  # type: ignore[no-untyped-def]
                code = frame.f_code
                if event == "call" and code.co_filename in files:
                    called.add((code.co_filename, code.co_qualname, code.co_firstlineno))

            start = time.process_time()
            sys.setprofile(note)
            following = items[n + 1] if n + 1 < len(items) else None
            reports = runtestprotocol(item, log=False, nextitem=following)
            sys.setprofile(None)
            self.seconds[n] = time.process_time() - start
            if all(report.passed for report in reports):
                for key in called:
                    self.callers[key].add(n)

    def _find_functions(self) -> dict[Key, list[FunctionType]]:
        functions: dict[Key, list[FunctionType]] = defaultdict(list)
        for one in gc.get_objects():
            if isinstance(one, FunctionType):
                code = one.__code__
                functions[code.co_filename, code.co_qualname, code.co_firstlineno].append(one)
        return functions

    def _run_mutants(self, chosen, items, functions, caches) -> None:  # type: ignore[no-untyped-def]
        running: dict[int, tuple[Mutant, str, int]] = {}
        for mutant in chosen:
            code, description = compile_mutant(mutant)
            tests = self._select(mutant.function)
            if not tests or not functions.get(mutant.function):
                self._note(mutant, description, "uncovered", 0)
                continue
            while len(running) >= self.jobs:
                self._wait(running)
            if not (pid := os.fork()):
                self._run_fork(self._in_order(tests, items), functions[mutant.function], code, caches)
            running[pid] = mutant, description, len(tests)
        while running:
            self._wait(running)

    def _select(self, function: Key) -> list[int]:
        """Return the tests that call a function, the fastest first, of `MAX_SECONDS` together."""
        tests, total = [], 0.0
        for n in sorted(self.callers.get(function, ()), key=self.seconds.__getitem__):
            total += self.seconds[n]
            if total < MAX_SECONDS:
                tests.append(n)
        return tests

    def _in_order(self, tests: list[int], items: list[pytest.Item]) -> list[pytest.Item]:
        """Return tests file by file, so that shared fixtures are made once; the fastest file first."""
        total: dict[Path, float] = defaultdict(float)
        for n in tests:
            total[items[n].path] += self.seconds[n]
        return [items[n] for n in sorted(tests, key=lambda n: (total[items[n].path], n))]

    def _run_fork(self, tests, functions, code, caches) -> None:  # type: ignore[no-untyped-def]
        signal.signal(signal.SIGALRM, lambda *_: os._exit(3))
        signal.alarm(int(10 * MAX_SECONDS))
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        try:
            for one in caches:
                one.cache_clear()
            for function in functions:
                function.__code__ = code
            for n, item in enumerate(tests):
                item._initrequest()
                following = tests[n + 1] if n + 1 < len(tests) else None
                if any(report.failed for report in runtestprotocol(item, log=False, nextitem=following)):
                    os._exit(1)
        except BaseException:  # noqa: BLE001  (a mutant may break anything, and is killed then)
            os._exit(1)
        os._exit(0)

    def _wait(self, running: dict[int, tuple[Mutant, str, int]]) -> None:
        pid, status = os.wait()
        if pid in running:
            mutant, description, tests = running.pop(pid)
            state = {0: "survived", 3: "timeout"}.get(os.waitstatus_to_exitcode(status), "killed")
            self._note(mutant, description, state, tests)

    def _note(self, mutant: Mutant, description: str, state: str, tests: int) -> None:
        path, name, _line = mutant.function
        where = f"{Path(path).relative_to(ROOT)}:{mutant.line}"
        self.rows.append({"state": state, "where": where, "in": name, "change": description, "tests": tests})
        if state in ("survived", "uncovered"):
            print(f"{state:9} {where} {name}: {description}", flush=True)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", default=PACKAGES, help=f"{', '.join(PACKAGES)} by default")
    parser.add_argument(
        "--tests", nargs="*", default=TESTS, help=f"folders of tests, {', '.join(TESTS)} by default"
    )
    parser.add_argument("-n", "--count", type=int, default=500, help="mutants")
    parser.add_argument("--seed", type=int, default=0, help="of their choice")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="forks at a time")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "mutants.json", help="of all mutants")
    arguments = parser.parse_args()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    folders = [str(ROOT / "tests" / name) for name in arguments.tests]
    options = ["-m", "not slow", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "timeout=0", "-s"]
    return int(pytest.main([*folders, *options], plugins=[Mutation(arguments)]))


if __name__ == "__main__":
    sys.exit(main())
