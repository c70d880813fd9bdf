"""Reads the engines' streams in lock-step and hands matching records to the comparison.

Every engine's script must do the same things in the same order: build the same optimizer, call backward, take
a step. Where one does something else it has parted from torch, and the rest of its numbers says nothing. An
engine that runs ahead waits: its pipe is full until the others have caught up, so memory stays flat.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from parity.compare import Comparison
from parity.engines import JUDGE, REFERENCE
from parity.lines import compare_lines, expected_numbers, expected_of_judge, is_left_out
from parity.records import Backward, Finished, Line, Record, Started, Training, Update, Weights
from parity.results import EngineResult

NOTE = "Note: "  # a printed line that begins so stands under the report's table, too
LENGTH = re.compile(r"\b(\d+) steps in all\b")  # tells the progress bar how long


class Stream:
    """One engine's records: gives the training records one by one and puts the printed lines aside."""

    def __init__(self, result: EngineResult, records: Iterator[Record]):
        self.result = result
        self.records = records
        self.given = 0
        self.lines: list[Line] = []
        self.left_out = 0  # lines of times and versions
        self.printed_after: list[int] = []  # for each line, the number of training records before it

    @property
    def stopped(self) -> bool:
        """It has ended on purpose, before the script did."""
        return self.result.finished.stopped

    def next(self) -> Training | None:
        """The next training record; None once the engine has finished."""
        for record in self.records:
            match record:
                case Line() if is_left_out(record.text):
                    self.left_out += 1
                case Line():
                    self.lines.append(record)
                    self.printed_after.append(self.given)
                case Started():
                    self.result.versions = record.versions
                case Finished():
                    self.result.finished = record
                    return None
                case Weights() | Backward() | Update():
                    self.given += 1
                    return record
        return None


def follow(comparison: Comparison, records: Mapping[str, Iterator[Record]], progress: Callable[[int], object]) -> None:
    """Compare all streams to their ends; calls `progress` with the number of steps after each record."""
    streams = {name: Stream(comparison.results[name], records[name]) for name in records}
    together = [name for name in streams if name != REFERENCE]
    while (expected := streams[REFERENCE].next()) is not None:
        read_lines(comparison, streams[REFERENCE].lines)
        matching: dict[str, Training] = {REFERENCE: expected}
        for name in list(together):
            record = streams[name].next()
            if record is not None and same_action(expected, record):
                matching[name] = record
            else:
                together.remove(name)
                if streams[name].stopped and JUDGE not in matching:
                    comparison.stop_judging()
                else:
                    note_parting(comparison, name, expected, record)
        comparison.take(matching)
        progress(comparison.step)
    for name, stream in streams.items():
        extra = stream.next()
        if extra is not None and name in together:
            note_parting(comparison, name, None, extra)
        while stream.next() is not None:
            pass
    compare_printed(comparison, streams)


def read_lines(comparison: Comparison, lines: Sequence[Line]) -> None:
    """What torch's script has printed for us to know: "Note: …", and "… 500 steps in all"."""
    while comparison.lines_read < len(lines):
        text = lines[comparison.lines_read].text
        comparison.lines_read += 1
        if text.startswith(NOTE):
            comparison.notes.append(text.removeprefix(NOTE))
        if length := LENGTH.search(text):
            comparison.length = int(length[1])


def same_action(one: Training, other: Training) -> bool:
    match one, other:
        case Weights(), Weights():
            return one.names == other.names
        case Update(), Update():
            return one.optimizer == other.optimizer and len(one.values) == len(other.values)
    return type(one) is type(other)


def note_parting(comparison: Comparison, name: str, expected: Training | None, record: Training | None) -> None:
    """This engine does something else than torch. One that failed, or never ran, says so itself."""
    result = comparison.results[name]
    ended_badly = record is None and result.finished.outcome != "finished"
    torch_failed = expected is None and comparison.results[REFERENCE].finished.outcome != "finished"
    if not ended_badly and not torch_failed:
        does = f"the script {action(record)}, with torch it {action(expected)}"
        result.differs(comparison.step, f"after step {comparison.step} {does}")


def action(record: Training | None) -> str:
    match record:
        case Weights():
            return f"builds an optimizer over {', '.join(record.names) or 'nothing'}"
        case Backward():
            return "calls backward"
        case Update():
            return f"takes a step of optimizer {record.optimizer} ({len(record.values)} parameters)"
    return "trains no further"


def compare_printed(comparison: Comparison, streams: Mapping[str, Stream]) -> None:
    """Compare all printed lines, once all engines have printed theirs."""
    torch = streams[REFERENCE].lines
    judge = streams[JUDGE].lines if JUDGE in streams and comparison.results[JUDGE].is_sound else []
    read_lines(comparison, torch)
    for stream in streams.values():
        result = stream.result
        if result.finished.outcome == comparison.results[REFERENCE].finished.outcome == "finished":
            if result.engine.wide and judge:
                result.lines = compare_lines(stream.lines, judge, expected_of_judge(judge))
            else:
                bounds = comparison.loss_bounds[result.engine.name]
                shares = [bounds[after] for after in streams[REFERENCE].printed_after]
                stopped = judge and streams[JUDGE].stopped
                expected = expected_numbers(torch, judge, shares, bool(stopped)) if judge else None
                result.lines = compare_lines(stream.lines, torch, expected)
        result.lines.left_out = stream.left_out
