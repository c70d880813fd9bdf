"""Sequences of different lengths: padded, packed, and through recurrent layers."""

from __future__ import annotations

from typing import Any

from parity.mutants.programs.attention import filled, numbers_by_default
from parity.mutants.programs.registry import drawn, error, program

LENGTHS = ([3, 1, 4], [4, 3, 1], [2, 2, 2], [1, 1, 3], [1], [4, 4, 1, 1])


def sequences(torch: Any, lengths: list[int], *shape: int) -> list[Any]:
    return [drawn(torch, n, *shape, seed=i) for i, n in enumerate(lengths)]


@program
def sequences_side_by_side(torch: Any) -> Any:
    rnn, found = torch.nn.utils.rnn, []
    for lengths in LENGTHS:
        for shape in ((), (2,), (2, 3)):
            given = sequences(torch, lengths, *shape)
            for options in ({}, {"batch_first": True}, {"padding_value": 1.5}, {"padding_side": "left"},
                            {"batch_first": True, "padding_side": "left", "padding_value": -1.0}):
                padded = rnn.pad_sequence(given, **options)
                g = drawn(torch, *padded.shape, seed=9, grad=False)
                found += [padded, torch.autograd.grad(padded, given, g, retain_graph=True)]
                first = options.get("batch_first", False)
                found.append(rnn.unpad_sequence(padded * 1, torch.tensor(lengths), first))  # torch turns its input
    return found, numbers_by_default(rnn.pad_sequence), numbers_by_default(rnn.unpad_sequence)


@program
def sequences_packed(torch: Any) -> Any:
    rnn, found = torch.nn.utils.rnn, []
    for lengths in LENGTHS:
        for shape in ((), (2,)):
            for given in (lengths, torch.tensor(lengths)):
                x = drawn(torch, 5, len(lengths), *shape)
                packed = rnn.pack_padded_sequence(x, given, enforce_sorted=False)
                turned = rnn.pack_padded_sequence(x.transpose(0, 1), given, True, False)
                found += [list(packed), list(turned)]
                g = drawn(torch, *packed.data.shape, seed=9, grad=False)
                found.append(torch.autograd.grad(packed.data, x, g, retain_graph=True))
            found.append(list(rnn.pack_sequence(sequences(torch, lengths, *shape), enforce_sorted=False)))
    x = drawn(torch, 5, 3, 2)
    return (found, list(rnn.pack_padded_sequence(x, [4, 3, 1])), list(rnn.pack_sequence(sequences(torch, [3, 3, 2]))),
            numbers_by_default(rnn.pack_padded_sequence), numbers_by_default(rnn.pack_sequence))


@program
def sequences_unpacked(torch: Any) -> Any:
    rnn, found = torch.nn.utils.rnn, []
    for lengths in LENGTHS:
        for shape in ((), (2,), (2, 1)):
            given = sequences(torch, lengths, *shape)
            packed = rnn.pack_sequence(given, enforce_sorted=False)
            for options in ({}, {"batch_first": True}, {"padding_value": 1.5}, {"total_length": 6},
                            {"total_length": max(lengths)}, {"batch_first": True, "total_length": 5}):
                padded, sizes = rnn.pad_packed_sequence(packed, **options)
                g = drawn(torch, *padded.shape, seed=9, grad=False)
                found += [padded, sizes, torch.autograd.grad(padded, given, g, retain_graph=True)]
            found.append(rnn.unpack_sequence(packed))
    return found, numbers_by_default(rnn.pad_packed_sequence), rnn.unpack_sequence(
        rnn.pack_sequence(sequences(torch, [3, 2], 2)))


@program
def packed_sequences_through_layers(torch: Any) -> Any:
    nn, found = torch.nn, []
    for make in (nn.RNN, nn.LSTM, nn.GRU):
        for options in ({}, {"num_layers": 2, "bidirectional": True}):
            layer = filled(torch, make(2, 3, **options, dtype=torch.float64))
            x = drawn(torch, 4, 3, 2)
            packed = nn.utils.rnn.pack_padded_sequence(x, [2, 4, 1], enforce_sorted=False)
            out, state = layer(packed)
            last = state if isinstance(state, tuple) else (state,)
            total = sum((part * part).sum() for part in (out.data, *last))
            found += [list(out), *last, torch.autograd.grad(total, [x, *layer.parameters()])]
    return found


@program
def lengths_that_do_not_fit(torch: Any) -> Any:
    rnn, x = torch.nn.utils.rnn, torch.ones(3, 2, 1)
    packed = rnn.pack_sequence([torch.ones(2), torch.ones(1)])
    return [error(call) for call in (
        lambda: rnn.pack_padded_sequence(x, [1, 3]), lambda: rnn.pack_padded_sequence(x, [3, 0]),
        lambda: rnn.pack_padded_sequence(x, [3, 2, 1]), lambda: rnn.pack_padded_sequence(x, [3, 3]),
        lambda: rnn.pack_padded_sequence(x, [3, -1]), lambda: rnn.pack_padded_sequence(x, [3, 1], True),
        lambda: rnn.pack_padded_sequence(x, []), lambda: rnn.pack_sequence([torch.ones(1), torch.ones(2)]),
        lambda: rnn.pad_packed_sequence(packed, total_length=1),
        lambda: rnn.pad_packed_sequence(packed, False, 0.0, 2))]
