"""alkaid's operations by name: what a line of an adder graph does with the lines `addr` and the integers `data`.

The numbers are those of `CombLogic.exec_op` in alkaid/types.py, version 0.8.2.
"""

from enum import IntEnum

__all__ = ["ADDERS", "GIVEN", "LINEAR", "Opcode"]


class Opcode(IntEnum):
    """`Op.opcode`. Operands are called a, b, ... in the order of `addr`; `data` in square brackets."""

    NEGATIVE = -2
    """-a"""
    INPUT = -1
    """Input [number] of the program."""
    ADD = 0
    """a + b * 2**[shift]"""
    SUBTRACT = 1
    """a - b * 2**[shift]"""
    RELU = 2
    """max(a, 0), bits above and below the line's own dropped."""
    CAST = 3
    """a * 2**[shift], bits above and below the line's own dropped: wires only."""
    ADD_CONSTANT = 4
    """a + [code] * 2**-[fraction]"""
    CONSTANT = 5
    """[code] in units of the line's LSB."""
    MUX = 6
    """a where the highest bit of c is set, else b * 2**[shift]."""
    MULTIPLY = 7
    """a * b"""
    TABLE = 8
    """Entry a of lookup table [number]."""
    BIT_UNARY = 9
    """[function] of the bits of a: 0 inverts each, 1 is whether any is set, 2 whether all are."""
    BIT_BINARY = 10
    """a with b * 2**[shift], bit by bit, by [function]: 0 is and, 1 or, 2 exclusive or."""
    SUM = 11
    """Operands with [whether it is added, shift] each, three as a rule: a ternary adder."""


ADDERS = frozenset({Opcode.NEGATIVE, Opcode.ADD, Opcode.SUBTRACT, Opcode.ADD_CONSTANT, Opcode.SUM})
"""What adds, subtracts or negates: as a rule a carry chain."""
LINEAR = ADDERS | {Opcode.CAST, Opcode.CONSTANT}
"""What is a sum of operands times powers of two, and a constant."""
GIVEN = frozenset({Opcode.INPUT, Opcode.CONSTANT})
"""What no gate makes: it needs no place in a stage."""
