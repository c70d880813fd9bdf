"""minigrad under torch's own test metadata: `python -m parity conformance`.

PyTorch ships the tables that its own tests run on: for each operation sample inputs, inputs that must raise, its
other spellings, whether it has second derivatives; and the same for modules and optimizers. Every sample goes
through torch and minigrad in one process, and the two outcomes are compared. From the top: `command` reads the
command line; `operations`, `modules` and `optimizers` judge one row each; `running` runs one case on one library,
`agreement` compares two runs, `samples` copies a sample for a library; `report` writes docs/conformance.md.
"""
