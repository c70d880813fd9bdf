"""A whole run: every group that is wanted, on every engine, and the values as JSON."""

from __future__ import annotations

import sys
from pathlib import Path

import pyperf

from benchmarks import report
from benchmarks.cases import chosen, fresh, groups
from benchmarks.engines import installed, on
from benchmarks.fresh import MEASURES
from benchmarks.goals import Results
from benchmarks.measure import Field, Settings, measure_group


def measure_all(wanted: list[str], settings: Settings) -> tuple[Results, dict[str, dict[str, str]]]:
    """The rows of every group that is wanted, and what each engine says about itself."""
    field = Field(settings)
    results: Results = {}
    about: dict[str, dict[str, str]] = {}
    try:
        for name, cases in chosen(wanted, settings.quick, settings.device).items():
            field.stop()  # each group begins with new processes
            results[name] = measure_group(groups(settings.device)[name], cases, field, progress)
        for engine in settings.engines or on(settings.device):
            about[engine] = field.process(engine).ask("about") if installed(engine) else {"absent": "not installed"}
        field.stop()
        for name in fresh(settings.device):
            if not wanted or name in wanted:
                results[name] = MEASURES[name](field, settings.quick, progress)
    finally:
        field.stop()
    return results, about


def without_gpu(settings: Settings) -> list[str]:
    """Why minigrad or torch reaches no GPU; empty if both do."""
    field = Field(settings)
    try:
        return field.without_gpu()
    finally:
        field.stop()


def any_wrong(results: Results) -> bool:
    """Whether an engine computed something else than the others."""
    return any(found.wrong for rows in results.values() for row in rows.values() for found in row.values())


def failures(results: Results, engines: tuple[str, ...]) -> list[str]:
    """The cases that one of these engines could not do, though it was there."""
    return [f"{group} {case}: {engine} {row[engine].note}"
            for group, rows in results.items() for case, row in rows.items()
            for engine in engines if engine in row and row[engine].note.startswith("failed")]


def write_json(results: Results, surroundings: report.Surroundings, file: Path) -> None:
    """Every value, as a suite of pyperf's, with where it was measured."""
    suite = []
    for rows in results.values():
        for row in rows.values():
            for engine, found in row.items():
                if found.benchmark:
                    known = found.benchmark.get_metadata()
                    around = surroundings.metadata(engine)
                    found.benchmark.update_metadata({key: around[key] for key in around if key not in known})
                    suite.append(found.benchmark)
    if suite:
        pyperf.BenchmarkSuite(suite).dump(str(file), replace=True)


def progress(text: str) -> None:
    """Say what is going on, on one line that is written over."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
