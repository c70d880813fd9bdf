"""Tests scored by wrong gradients: minigrad is changed in one place after another, and the checks have to notice."""
