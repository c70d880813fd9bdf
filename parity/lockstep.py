"""Reads the engines' streams in lock-step and hands matching records to the comparison.

Every engine's script must do the same things in the same order: build the same optimizer, call backward, take
a step. Where one does something else it has parted from torch, and the rest of its numbers says nothing. An
engine that runs ahead waits: its pipe is full until the others have caught up, so memory stays flat.
"""

import re
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from parity.compare import Comparison
from parity.engines import JUDGE, REFERENCE
from parity.lines import is_left_out
from parity.printed import PrintedLines
from parity.records import Backward, Finished, Line, Record, Started, Training, Update, Weights
from parity.results import EngineResult

NOTE = "Note: "  # a printed line that begins so stands under the report's table, too
MOST_NOTES = 5
LENGTH = re.compile(r"\b(\d+) steps in all\b")  # tells the progress bar how long
LINES_AT_ONCE = 1000  # are read of one engine before the others' turn


class Stream:
    """One engine's records, read until the next training record; printed lines are put aside for comparison."""

    def __init__(self, result: EngineResult, records: Iterator[Record], lines: PrintedLines):
        self.result = result
        self.records = records
        self.printed = lines.engines[result.engine.name]
        self.training: Training | None = None  # the next record to be compared
        self.ended = False

    @property
    def ready(self) -> bool:
        return self.training is not None or self.ended

    def read(self, progress: Callable[[str], object]) -> None:
        """Read on until a training record has come, the engine has finished, or many lines were printed."""
        read = 0
        while not self.ready and read < LINES_AT_ONCE:
            match next(self.records, self.result.finished):
                case Line() as line:
                    read += 1
                    self.take_line(line)
                    progress(line.text)
                case Started() as started:
                    self.result.versions = started.versions
                case Finished() as finished:
                    self.result.finished = finished
                    self.ended = self.printed.complete = True
                    self.printed.counts = finished.outcome == "finished" and not finished.stopped
                    self.printed.stopped = finished.stopped
                case training:
                    self.training = training

    def take_line(self, line: Line) -> None:
        if is_left_out(line.text):
            self.result.lines.left_out += 1
        elif not self.printed.complete:
            self.printed.waiting.append(line)

    def take(self) -> Training | None:
        """The training record that was read; None from an engine that has ended."""
        training, self.training = self.training, None
        return training

    def skip_to_the_end(self) -> None:
        """It has parted from torch: only how it ends is of interest now."""
        self.printed.complete, self.printed.counts = True, False
        while not self.ended:
            self.training = None
            self.read(progress=lambda line: None)


def follow(comparison: Comparison, records: Mapping[str, Iterator[Record]], progress: Callable[[int], object]) -> None:
    """Compare all streams to their ends; calls `progress` with the number of steps after each record."""
    results = comparison.results
    lines = PrintedLines({name: results[name].lines for name in records})
    streams = {name: Stream(results[name], records[name], lines) for name in records}
    torch = streams.pop(REFERENCE)
    together = dict(streams)
    while True:
        torch.read(progress=lambda line: listen(comparison, line))
        for stream in together.values():
            stream.read(progress=lambda line: None)
        lines.compare(comparison.line_shares, comparison.step)
        if not torch.ready or not all(stream.ready for stream in together.values()):
            continue
        expected = torch.take()
        matching: dict[str, Training] = {} if expected is None else {REFERENCE: expected}
        for name, stream in list(together.items()):
            record = stream.take()
            if expected is not None and record is not None and is_narrow(stream.result, record):
                record = None
                stream.result.broken = f"it computes in float32 ({expected.where}): the script cannot be widened"
            if expected is not None and record is not None and same_action(expected, record):
                matching[name] = record
            elif expected is not None or record is not None:
                del together[name]
                stream.printed.complete, stream.printed.counts = True, False
                if stream.result.finished.stopped and JUDGE not in matching:
                    comparison.stop_judging()
                elif not stream.result.broken:
                    note_parting(comparison, name, expected, record, torch.result.finished)
        if expected is None:
            break
        comparison.take(matching)
        progress(comparison.step)
    for name in streams.keys() - together.keys():
        streams[name].skip_to_the_end()
    lines.compare(comparison.line_shares, comparison.step)


def listen(comparison: Comparison, text: str) -> None:
    """What torch's script prints for us to know: "Note: …", and "… 500 steps in all"."""
    if text.startswith(NOTE) and len(comparison.notes) < MOST_NOTES:
        comparison.notes.append(text.removeprefix(NOTE))
    if length := LENGTH.search(text):
        comparison.length = int(length[1])


def is_narrow(result: EngineResult, record: Training) -> bool:
    """Whether an engine that should compute in float64 reports float32."""
    arrays = [] if isinstance(record, Backward) else record.values
    return result.engine.wide and any(array.dtype == np.float32 for array in arrays)


def same_action(one: Training, other: Training) -> bool:
    match one, other:
        case Weights(), Weights():
            return one.names == other.names
        case Update(), Update():
            return one.optimizer == other.optimizer and len(one.values) == len(other.values)
    return type(one) is type(other)


def note_parting(
    comparison: Comparison, name: str, expected: Training | None, record: Training | None, torch: Finished
) -> None:
    """This engine does something else than torch. One that failed, or never ran, says so itself."""
    result = comparison.results[name]
    ended_badly = record is None and result.finished.outcome != "finished"
    torch_failed = expected is None and torch.outcome != "finished"
    if not ended_badly and not torch_failed:
        does = f"the script {action(record)}, with torch it {action(expected)}"
        result.differs(comparison.step, f"after step {comparison.step} {does}")


def action(record: Training | None) -> str:
    match record:
        case Weights(by_hand=True):
            return f"trains {', '.join(record.names)} by hand{place(record)}"
        case Weights():
            return f"builds an optimizer over {', '.join(record.names) or 'nothing'}{place(record)}"
        case Backward():
            return f"calls backward{place(record)}"
        case Update(by_hand=True):
            return f"trains {len(record.values)} tensors by hand{place(record)}"
        case Update():
            return f"takes a step of optimizer {record.optimizer} ({len(record.values)} parameters){place(record)}"
    return "trains no further"


def place(record: Training) -> str:
    return f" ({record.where})" if record.where else ""
