"""Quantized Keras models that somebody else saved, read without executing anything that a file says."""

from l1ae.contract._saved._load import load_keras

__all__ = ["load_keras"]
