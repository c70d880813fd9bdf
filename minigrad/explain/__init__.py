"""What the engine does, made visible: formulas printed from the table's own rules."""

from .formulas import Symbol, formula, formulas

__all__ = ["Symbol", "formula", "formulas"]
