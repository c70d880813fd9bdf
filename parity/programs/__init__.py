"""Random programs and random training loops, run on torch and on minigrad: `python -m parity programs`.

    machine.py      a program is a list of statements in torch's language; a machine runs it on one library
    scene.py        what a generator sees while it writes: the tensors that the program has so far
    operations.py   the grammar: how expressions come about
    writing.py      the grammar: statements that write into memory, ask for gradients, change modes; whole programs
    training.py     the grammar of training loops
    agreement.py    whether both came to the same, as far as rounding lets them
    noise.py        what rounding may make of a program
    stepwise.py     a training loop, step by step from equal numbers
    excuses.py      what is let pass, every kind with its reason
    shrinking.py    a program that differs, made short
    searching.py    the search: so many programs of each kind
    processes.py    work in several processes, of which one may crash
    command.py      the command

Hypothesis draws; torch runs every statement as soon as it is written, so that the next one can fit the shapes there
are. Nothing else of the program is fixed: what torch refuses, minigrad has to refuse with the same exception.
"""
