"""minigrad anew, with one change in one file: what a mutant is once it runs."""

from __future__ import annotations

import ast
import functools
import gc
import importlib
import importlib.util
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from parity.mutants.changes import Change, changes
from parity.mutants.rules import HELPERS, rule_changes
from parity.mutants.slips import slips
from parity.programs.processes import in_a_fork

ROOT = Path(__file__).parent.parent.parent / "minigrad"
TABLE = ("ops.py", "nn/rules.py")
TAPE = ("engine.py", "inplace.py", "autograd/walks.py")  # where an error is missing, a gradient is silently wrong
# What decides the numbers: where a slip would be a wrong gradient, a wrong update or another random number. Not
# replay/graph.py and device.py: what they do on a GPU alone, no check sees without one.
FILES = (*TABLE, *TAPE, "optim/sgd.py", "optim/adam.py", "optim/rmsprop.py",
         "optim/adagrad.py", "optim/adaptive.py", "optim/lr_scheduler/schedules.py", "optim/lr_scheduler/cosine.py",
         "optim/lr_scheduler/cycles.py", "optim/lbfgs.py", "nn/losses.py", "nn/convolution.py", "nn/dropout.py",
         "nn/attention.py", "nn/modules/attention.py", "nn/modules/transformer.py", "nn/utils/rnn.py",
         "autograd/functional.py", "random.py", "exact.py")


@dataclass
class Mutant:
    """One change in one file of minigrad."""

    file: str
    change: Change
    tree: ast.Module
    number: int = 1  # among those of the same text in the same place

    @property
    def key(self) -> str:
        """What names it, whatever line it stands on."""
        return self.text + (f" [{self.number}]" if self.number > 1 else "")

    @property
    def text(self) -> str:
        return f"{self.file}: {self.change.scope}: {self.change.before}  ->  {self.change.after}"

    def module(self) -> str:
        """The file as a module: minigrad.nn.rules."""
        return ".".join(["minigrad", *Path(self.file).with_suffix("").parts]).removesuffix(".__init__")

    def code(self) -> CodeType:
        """The changed file, compiled."""
        with self.change.made():
            return compile(self.tree, str(ROOT / self.file), "exec")


@functools.cache
def all_mutants() -> tuple[Mutant, ...]:
    """Every mutant there is, file by file."""
    return tuple(mutant for file in FILES for mutant in mutants_of(file))


def mutants_of(file: str) -> Iterator[Mutant]:
    source = (ROOT / file).read_text()
    tree = ast.parse(source)
    found = [*slips(file, source, tree), *changes(tree, refusals=file in TAPE)]
    if file in TABLE:
        found = [*rule_changes(tree), *found]
        tree.body += ast.parse(HELPERS).body
    seen: Counter[str] = Counter()
    for change in found:
        mutant = Mutant(file, change, tree)
        seen[mutant.text] += 1
        mutant.number = seen[mutant.text]
        yield mutant


class Changed(MetaPathFinder, SourceFileLoader):
    """Imports one module from the mutant's code instead of its file."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module(), str(ROOT / mutant.file))
        self.mutant = mutant

    def find_spec(self, fullname: str, path: Sequence[str] | None,
                  target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def get_code(self, fullname: str) -> CodeType:
        return self.mutant.code()


def import_changed(mutant: Mutant) -> ModuleType:
    """minigrad with this change. For a process of its own: whatever holds the old modules keeps them."""
    forget_minigrad()
    sys.meta_path.insert(0, Changed(mutant))
    return importlib.import_module("minigrad")


def forget_minigrad() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "minigrad"]:
        del sys.modules[name]


# ---- the quick way: other code in the functions that are there ----
Place = tuple[str, int]  # a file of minigrad, and the line on which a function begins


def place_of(code: CodeType) -> Place | None:
    """Where in minigrad a function's code stands; None for code from elsewhere."""
    root = str(ROOT) + "/"
    return (code.co_filename.removeprefix(root), code.co_firstlineno) if code.co_filename.startswith(root) else None


def places_run(call: Callable[[], Any]) -> set[Place]:
    """The functions of minigrad that a call runs."""
    codes: dict[int, CodeType] = {}  # by id: to hash a piece of code takes longer than many a call

    def called(frame: Any, event: str, arg: Any) -> None:
        codes[id(frame.f_code)] = frame.f_code

    before = sys.gettrace()
    sys.settrace(called)  # a tracer that returns None is told of calls alone, and of Python's alone
    try:
        call()
    finally:
        sys.settrace(before)
    return {place for code in codes.values() if (place := place_of(code)) is not None}


def run_by_import() -> set[Place]:
    """What importing minigrad runs. For a process of its own."""
    forget_minigrad()
    return places_run(lambda: importlib.import_module("minigrad"))


@dataclass
class Base:
    """The imported minigrad that mutants are made of."""

    functions: dict[Any, list[FunctionType]]  # by the identity of their code
    caches: list[Callable[[], None]]  # empty what was made by the functions as they were
    imported: set[Place]  # the functions that an import runs
    code: dict[str, CodeType]  # each file's, compiled as it is

    @classmethod
    def made(cls, mutants: Sequence[Mutant]) -> Base:
        trees = {mutant.file: mutant.tree for mutant in mutants}
        code = {file: compile(tree, str(ROOT / file), "exec") for file, tree in trees.items()}
        return cls(functions_of_minigrad(), caches_of_minigrad(), in_a_fork(run_by_import), code)

    def changed(self, mutant: Mutant) -> ModuleType:
        """minigrad with this change. For a process of its own."""
        return sys.modules["minigrad"] if self.change_in_place(mutant) else import_changed(mutant)

    def change_in_place(self, mutant: Mutant) -> bool:
        """Give the functions of the imported minigrad the mutant's code: much quicker than to import it anew.

        False, and nothing has happened, if that is not the same as an import: if a module's or a class's own lines
        change, or a function that an import runs, or what a rule asks for.
        """
        if (mutant.file, mutant.change.function) in self.imported:
            return False
        changed = changed_code(self.code[mutant.file], mutant.code())
        if not changed or any(identity(old) not in self.functions for old, _ in changed):
            return False
        if any(arguments_of(old) != arguments_of(new) for old, new in changed):
            return False
        if mutant.file in TABLE:
            exec(HELPERS, vars(sys.modules[mutant.module()]))
        for old, new in changed:
            for function in self.functions[identity(old)]:
                function.__code__ = new
        for empty in self.caches:
            empty()
        return True


def functions_of_minigrad() -> dict[Any, list[FunctionType]]:
    """The functions that are there, by their code."""
    found: dict[Any, list[FunctionType]] = {}
    for thing in gc.get_objects():
        if type(thing) is FunctionType and place_of(thing.__code__) is not None:
            found.setdefault(identity(thing.__code__), []).append(thing)
    return found


def identity(code: CodeType) -> Any:
    """What names a piece of code: two lambdas on one line differ in their columns."""
    return code.co_filename, code.co_qualname, code.co_firstlineno, tuple(code.co_positions())


def caches_of_minigrad() -> list[Callable[[], None]]:
    """What empties its caches: an op's pullbacks, and those of functools."""
    found: list[Callable[[], None]] = []
    for thing in gc.get_objects():
        if type(thing) is sys.modules["minigrad.engine"].Op:
            found.append(thing.pullbacks.clear)
        elif type(thing) is functools._lru_cache_wrapper and thing.__module__.startswith("minigrad."):
            found.append(thing.cache_clear)
    return found


def changed_code(old: CodeType, new: CodeType) -> list[tuple[CodeType, CodeType]] | None:
    """The outermost functions that differ, as pairs; None if it is not a function in which the difference lies."""
    olds, news = inner_code(old), inner_code(new)
    if without_inner(old) != without_inner(new) or len(olds) != len(news):
        return None
    found: list[tuple[CodeType, CodeType]] = []
    for before, after in zip(olds, news, strict=True):
        if everything(before) == everything(after):
            continue
        if before.co_flags & 2:  # CO_NEWLOCALS: a function, and no class
            found.append((before, after))
        else:
            inside = changed_code(before, after)
            if inside is None:
                return None
            found += inside
    return found


def inner_code(code: CodeType) -> list[CodeType]:
    return [const for const in code.co_consts if isinstance(const, CodeType)]


def without_inner(code: CodeType) -> Any:
    """A piece of code without the functions in it."""
    consts = [(type(c), c) for c in code.co_consts if not isinstance(c, CodeType)]
    return code.co_code, repr(consts), code.co_names, code.co_varnames


def everything(code: CodeType) -> Any:
    return without_inner(code), [everything(inner) for inner in inner_code(code)]


def arguments_of(code: CodeType) -> Any:
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount], code.co_freevars
