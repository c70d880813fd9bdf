"""Runs the code blocks of documents as a notebook runs its cells: `python -m minigrad notebook.py DOCUMENTS.json`.

The file holds [{"name": …, "setup": …, "cells": […]}, …]. Each document has a namespace of its own. What a cell
prints is printed, then the value of its last expression, then the type of the error that ended it, if one did; the
next cell runs all the same. This is a torch script like any other: which engine runs it is not its business.
"""

import ast
import json
import os
import sys
import traceback


def run_cell(source: str, namespace: dict[str, object]) -> None:
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), namespace)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)
        if value is not None:
            print(repr(value))


def run_document(document: dict[str, object]) -> None:
    print(f"==== {document['name']}: set-up")
    namespace = {"__name__": "__main__"}
    exec(compile(document["setup"], "set-up", "exec"), namespace)
    for number, source in enumerate(document["cells"], 1):
        print(f"==== {document['name']}: block {number}")
        try:
            run_cell(source, namespace)
        except Exception as error:
            print(f"{type(error).__name__} was raised")
            traceback.print_exc()


def run_documents(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        for document in json.load(file):
            run_document(document)


def main(home: str, script: str, documents: str) -> None:
    """In a process of parity's, on torch; torchvision's data sets come from minigrad.vision, with torch's tensors."""
    import torch

    from parity.worker import offer_torchvision

    os.environ["HOME"] = home
    offer_torchvision(torch)
    run_documents(documents)


if __name__ == "__main__":
    run_documents(sys.argv[1])
