"""From collision data to trigger firmware: quantized autoencoders, verified to the last bit."""

__all__ = ["__version__"]

__version__ = "0.1.0"
