"""Tensors of a folded design on wires: which elements are constants, and the format of those that are not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from alkaid.trace.fixed_variable import FVariable
from alkaid.types import QInterval

from l1ae.contract import HardwareInput
from l1ae.rtl._arithmetic import HARDWARE
from l1ae.rtl._operations import Tensor

__all__ = ["Values", "Word", "constant", "hardware_values", "traced_values", "union", "variable"]


@dataclass(frozen=True)
class Word:
    """All values from `low` to `high` in steps of `step`, a power of two (real units); two's complement if `low` < 0."""

    low: float
    high: float
    step: float

    @property
    def signed(self) -> bool:
        """Whether the highest bit is a sign."""
        return self.low < 0

    @property
    def width(self) -> int:
        """Bits."""
        return int(sum(QInterval(self.low, self.high, self.step).kif))

    @property
    def fraction(self) -> int:
        """Bits right of the binary point."""
        return int(QInterval(self.low, self.high, self.step).kif[2])


@dataclass(frozen=True, eq=False)
class Values:
    """A tensor: element i is word `index[i]`, or, where that is -1, the constant `constants[i]` (real units)."""

    words: tuple[Word, ...]
    index: npt.NDArray[np.int64]
    constants: npt.NDArray[np.float64]

    def word_of(self, element: int) -> Word:
        """Format of an element; -1 is the constant 0."""
        if element < 0:
            return constant(0.0)
        word = int(self.index[element])
        return constant(float(self.constants[element])) if word < 0 else self.words[word]

    def variables(self) -> tuple[list[FVariable], Tensor]:
        """Fresh symbolic inputs, one per word, and the elements (size,)."""
        words = [variable(word) for word in self.words]
        elements = np.empty(len(self.index), dtype=object)
        for k, (word, value) in enumerate(zip(self.index, self.constants, strict=True)):
            elements[k] = FVariable.from_const(float(value), hwconf=HARDWARE) if word < 0 else words[word]
        return words, elements

    def of_words(self, words: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The elements (N, size), given the values of the words (N, words)."""
        padded = np.concatenate([words, np.zeros((len(words), 1))], axis=1)
        return np.where(self.index < 0, self.constants, padded[:, self.index])

    def to_words(self, elements: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The values of the words (N, words), given the elements (N, size); 0 for words that no element uses."""
        words = np.zeros((len(elements), len(self.words)))
        used = self.index >= 0
        words[:, self.index[used]] = elements[:, used]
        return words


def constant(value: float) -> Word:
    """The format of one value."""
    numerator, denominator = abs(value).as_integer_ratio()
    step = (numerator & -numerator) / denominator if numerator else 1.0
    return Word(value, value, step)


def union(words: Iterable[Word]) -> Word:
    """The narrowest format that holds all of them; zero, which every format holds, has no say."""
    kept = [word for word in words if word.low or word.high]
    if not kept:
        return constant(0.0)
    return Word(min(word.low for word in kept), max(word.high for word in kept), min(word.step for word in kept))


def variable(word: Word) -> FVariable:
    """A symbolic input of this format."""
    return FVariable(word.low, word.high, word.step, hwconf=HARDWARE)


def hardware_values(hardware: HardwareInput) -> Values:
    """The event: one word per input."""
    form = hardware.format
    word = Word(form.low * form.lsb, form.high * form.lsb, form.lsb)
    return Values((word,) * hardware.size, np.arange(hardware.size), np.zeros(hardware.size))


def traced_values(outputs: Sequence[FVariable]) -> tuple[Values, list[FVariable]]:
    """A tensor of symbolic outputs, and those that are no constants, each once."""
    known: dict[object, int] = {}
    words: list[FVariable] = []
    index, constants = np.full(len(outputs), -1), np.zeros(len(outputs))
    for k, output in enumerate(outputs):
        if output.low == output.high:
            constants[k] = float(output.low)
            continue
        key = (output.id, output._factor)
        if key not in known:
            known[key] = len(words)
            words.append(output)
        index[k] = known[key]
    return Values(tuple(Word(float(w.low), float(w.high), float(w.step)) for w in words), index, constants), words
