"""A program that differs, made short: statement after statement is left out as long as it still differs."""

from __future__ import annotations

from collections.abc import Callable

from parity.programs.machine import Program

Fails = Callable[[Program], bool]


def shrunk(program: Program, fails: Fails) -> Program:
    """The program without any statement, and any line of a statement, that it can do without and still fail."""
    statements = without_the_needless(list(program.statements), lambda rest: fails(Program(tuple(rest))))
    for i, statement in enumerate(statements):
        def still_fails(lines: list[str], i: int = i) -> bool:
            changed = [*statements[:i], "\n".join(lines), *statements[i + 1 :]]
            return compiles(changed[i]) and fails(Program(tuple(changed)))

        if "\n" in statement:
            statements[i] = "\n".join(without_the_needless(statement.splitlines(), still_fails))
    return Program(tuple(statements))


def without_the_needless(parts: list[str], fails: Callable[[list[str]], bool]) -> list[str]:
    """The parts that are left when each has been tried, the last ones first, until none can go."""
    changed = True
    while changed:
        changed = False
        for i in reversed(range(len(parts))):
            rest = parts[:i] + parts[i + 1 :]
            if rest and fails(rest):
                parts, changed = rest, True
    return parts


def compiles(statement: str) -> bool:
    try:
        compile(statement, "<program>", "exec")
    except SyntaxError:
        return False
    return True
