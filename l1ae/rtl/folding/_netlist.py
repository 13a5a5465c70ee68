"""A module as instances and wires, written as Verilog and as VHDL."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Bit", "Module", "Part", "Signal", "to_verilog", "to_vhdl"]


class Signal(NamedTuple):
    """A vector of `width` bits."""

    name: str
    width: int

    def part(self, low: int, width: int) -> "Part":
        """Some of its bits."""
        assert 0 <= low <= low + width <= self.width, (self, low, width)
        return Part(self, low, width)


class Part(NamedTuple):
    """`width` bits of `signal` from bit `low` on; without a signal, the bits of the number `low`."""

    signal: Signal | None
    low: int
    width: int


class Bit(NamedTuple):
    """One bit of a vector, or with `place` None a port that is a single bit."""

    name: str
    place: int | None = None


class _Instance(NamedTuple):
    module: str
    label: str
    parameters: Mapping[str, int]
    ports: Mapping[str, Signal | Part | Bit]


@dataclass
class Module:
    """`bits`: input ports of one bit; `inputs` and `outputs`: vectors."""

    name: str
    comment: str
    bits: tuple[str, ...]
    inputs: tuple[Signal, ...]
    outputs: tuple[Signal, ...]
    signals: list[Signal] = field(default_factory=list)
    assigns: list[tuple[Signal, tuple[Part, ...]]] = field(default_factory=list)
    instances: list[_Instance] = field(default_factory=list)

    def signal(self, name: str, width: int) -> Signal:
        """A new wire."""
        signal = Signal(name, width)
        self.signals.append(signal)
        return signal

    def assign(self, signal: Signal, parts: Iterable[Part]) -> Signal:
        """Drive a wire or an output; the first part is in the lowest bits."""
        kept = tuple(part for part in parts if part.width)
        assert sum(part.width for part in kept) == signal.width, (signal, kept)
        self.assigns.append((signal, kept))
        return signal

    def wire(self, name: str, parts: Sequence[Part]) -> Signal:
        """A new wire of several parts."""
        return self.assign(self.signal(name, sum(part.width for part in parts)), parts)

    def instance(self, module: str, label: str, parameters: Mapping[str, int], **ports: Signal | Part | Bit) -> None:
        """Every port but `clk`, which all have that keep state, is named."""
        self.instances.append(_Instance(module, label, parameters, ports))


# -- Verilog -------------------------------------------------------------------------------------------------------


def to_verilog(module: Module) -> str:
    """Verilog-2005."""
    ports = [f"input  wire {name}" for name in module.bits]
    ports += [f"input  wire [{s.width - 1}:0] {s.name}" for s in module.inputs]
    ports += [f"output wire [{s.width - 1}:0] {s.name}" for s in module.outputs]
    lines = [f"// {line}" for line in module.comment.splitlines()]
    lines += [f"module {module.name} (", ",\n".join(f"    {port}" for port in ports), ");"]
    lines += [f"    wire [{s.width - 1}:0] {s.name};" for s in module.signals]
    lines += [f"    assign {s.name} = {_verilog_parts(parts)};" for s, parts in module.assigns]
    lines += [_verilog_instance(instance) for instance in module.instances]
    return "\n".join([*lines, "endmodule", ""])


def _verilog_parts(parts: Sequence[Part]) -> str:
    texts = [_verilog_part(part) for part in reversed(parts)]
    return texts[0] if len(texts) == 1 else "{" + ",\n        ".join(texts) + "}"


def _verilog_part(part: Part) -> str:
    if part.signal is None:
        return f"{part.width}'h{part.low:x}"
    if part.width == part.signal.width:
        return part.signal.name
    return f"{part.signal.name}[{part.low + part.width - 1}:{part.low}]"


def _verilog_instance(instance: _Instance) -> str:
    parameters = ", ".join(f".{name}({value})" for name, value in instance.parameters.items())
    ports = ", ".join(f".{name}({_verilog_port(port)})" for name, port in instance.ports.items())
    return f"    {instance.module} {f'#({parameters}) ' if parameters else ''}{instance.label} ({ports});"


def _verilog_port(port: Signal | Part | Bit) -> str:
    if isinstance(port, Part):
        return _verilog_part(port)
    if isinstance(port, Signal) or port.place is None:
        return port.name
    return f"{port.name}[{port.place}]"


# -- VHDL ----------------------------------------------------------------------------------------------------------


def to_vhdl(module: Module) -> str:
    """VHDL-2008."""
    ports = [f"{name} : in  std_logic" for name in module.bits]
    ports += [f"{s.name} : in  {_vector(s)}" for s in module.inputs]
    ports += [f"{s.name} : out {_vector(s)}" for s in module.outputs]
    lines = [f"-- {line}" for line in module.comment.splitlines()]
    lines += ["library ieee;", "use ieee.std_logic_1164.all;", "", f"entity {module.name} is", "    port ("]
    lines += [";\n".join(f"        {port}" for port in ports), "    );", f"end entity {module.name};", ""]
    lines += [f"architecture rtl of {module.name} is"]
    lines += [f"    signal {s.name} : {_vector(s)};" for s in module.signals]
    lines += ["begin", *(line for s, parts in module.assigns for line in _vhdl_assign(s, parts))]
    lines += [_vhdl_instance(instance) for instance in module.instances]
    return "\n".join([*lines, "end architecture rtl;", ""])


def _vector(signal: Signal) -> str:
    return f"std_logic_vector({signal.width - 1} downto 0)"


def _vhdl_assign(signal: Signal, parts: Sequence[Part]) -> list[str]:
    lines, low = [], 0
    for part in parts:
        target = f"{signal.name}({low + part.width - 1} downto {low})"
        lines.append(f"    {target} <= {_vhdl_part(part)};")
        low += part.width
    return lines


def _vhdl_part(part: Part) -> str:
    if part.signal is None:
        return f'"{part.low:0{part.width}b}"'
    return f"{part.signal.name}({part.low + part.width - 1} downto {part.low})"


def _vhdl_instance(instance: _Instance) -> str:
    generics = ", ".join(f"{name} => {value}" for name, value in instance.parameters.items())
    ports = ", ".join(f"{name} => {_vhdl_port(port)}" for name, port in instance.ports.items())
    head = f"    {instance.label} : entity work.{instance.module}"
    return f"{head}{f' generic map ({generics})' if generics else ''} port map ({ports});"


def _vhdl_port(port: Signal | Part | Bit) -> str:
    if isinstance(port, Part):
        return _vhdl_part(port)
    if isinstance(port, Signal) or port.place is None:
        return port.name
    return f"{port.name}({port.place})"
