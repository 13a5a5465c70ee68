"""Keras layers that are exact on integers and that Keras does not bring."""

from typing import Any

import keras
from keras import ops

__all__ = ["Slice", "SumPooling2D"]


@keras.saving.register_keras_serializable(package="l1ae")
class SumPooling2D(keras.layers.Layer):  # type: ignore[misc]
    """Sum over non-overlapping windows, (N, rows, columns, channels); what does not fill a window is dropped.

    A mean would need a division by the window's size, which is exact in fixed point for powers of two only; the factor
    belongs into the next layer's weights.
    """

    def __init__(self, pool_size: tuple[int, int], **options: Any) -> None:
        super().__init__(**options)
        self.pool_size = tuple(pool_size)

    def call(self, inputs: Any) -> Any:
        """The sums."""
        (rows, columns), (_, height, width, channels) = self.pool_size, inputs.shape
        out = (height // rows, width // columns)
        used = inputs[:, : out[0] * rows, : out[1] * columns]
        return ops.sum(ops.reshape(used, (-1, out[0], rows, out[1], columns, channels)), axis=(2, 4))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(N, rows, columns, channels) of the result."""
        batch, height, width, channels = input_shape
        assert height is not None
        assert width is not None
        return batch, height // self.pool_size[0], width // self.pool_size[1], channels

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        return {**super().get_config(), "pool_size": list(self.pool_size)}


@keras.saving.register_keras_serializable(package="l1ae")
class Slice(keras.layers.Layer):  # type: ignore[misc]
    """Elements [start, stop) of flat tensors (N, size)."""

    def __init__(self, start: int, stop: int, **options: Any) -> None:
        super().__init__(**options)
        self.start, self.stop = start, stop

    def call(self, inputs: Any) -> Any:
        """The elements, (N, stop - start)."""
        return inputs[:, self.start : self.stop]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(N, stop - start)."""
        return input_shape[0], self.stop - self.start

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        return {**super().get_config(), "start": self.start, "stop": self.stop}
