"""What the judging of one row comes to: for each check how many cases passed, and the first that did not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

FULL = ("samples", "gradients")  # these alone decide whether a row is full; strict takes all checks
CHECKS = {
    "op": ("samples", "gradients", "spellings", "second order", "ties", "errors"),
    "module": ("samples", "gradients", "second order", "ties", "errors"),
    "optimizer": ("samples", "state", "errors"),
}


@dataclass
class Tally:
    """One check's count."""

    passed: int = 0
    total: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, case: str, difference: str | None) -> None:
        """Count a case; `difference` is None if both libraries agree."""
        self.total += 1
        if difference is None:
            self.passed += 1
        else:
            self.failures.append(f"{case}: {difference}")

    def __str__(self) -> str:
        return f"{self.passed}/{self.total}" if self.total else "–"


@dataclass
class Row:
    """An operation, module or optimizer."""

    kind: str
    name: str
    tier: str
    checks: dict[str, Tally]
    missing: str | None = None  # what minigrad has not got at all
    not_applicable: Counter[str] = field(default_factory=Counter)  # by reason: cases left out by design

    def is_right(self, *names: str) -> bool:
        return self.missing is None and all(not self.checks[name].failures for name in names if name in self.checks)

    @property
    def full(self) -> bool:
        return self.is_right(*FULL) and self.checks["samples"].total > 0

    @property
    def strict(self) -> bool:
        return self.full and self.is_right(*self.checks)

    @property
    def failures(self) -> list[str]:
        """Every case that failed."""
        found = [f"{name}: {failure}" for name, tally in self.checks.items() for failure in tally.failures]
        return found or self.reasons

    @property
    def reasons(self) -> list[str]:
        """For each check that failed, the first case that did."""
        if self.missing:
            return [f"missing: {self.missing}"]
        if not self.checks["samples"].total:
            return ["no sample applies"]
        return [f"{name}: {tally.failures[0]}" for name, tally in self.checks.items() if tally.failures]

    @property
    def wanted(self) -> bool:
        """Whether it is what the project promises: core strict, common full."""
        return self.strict if self.tier == "core" else self.full


def new_row(kind: str, name: str, tier: str) -> Row:
    return Row(kind, name, tier, {check: Tally() for check in CHECKS[kind]})
