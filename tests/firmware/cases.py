"""What the benches instantiate, the model of each source in Python, and the top that holds all cases side by side.

The tests read it, and so does Python inside the simulators.
"""

from dataclasses import dataclass, field
from string import Template

PORT_BITS = 40
BEAT_PORT_BITS, EVENT_PORT_BITS = 24, 152


@dataclass(frozen=True)
class TriggerCase:
    """Generics of one shell. `threshold` is the default, as unsigned code."""

    bits: int
    signed: int
    latency: int
    threshold: int
    interval: int = 1

    def value(self, code: int) -> int:
        return code - (1 << self.bits) if self.signed and code >> (self.bits - 1) else code

    def code(self, value: int) -> int:
        return value & ((1 << self.bits) - 1)

    @property
    def least(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def largest(self) -> int:
        return self.least + (1 << self.bits) - 1


@dataclass(frozen=True)
class FramerCase:
    words: int
    lanes: int
    word_bits: int

    @property
    def beats(self) -> int:
        return -(-self.words // self.lanes)


TRIGGERS = (
    TriggerCase(8, 0, 0, 100),
    TriggerCase(8, 1, 0, 0xF0),
    TriggerCase(8, 0, 1, 200),
    TriggerCase(8, 1, 1, 3),
    TriggerCase(8, 0, 2, 7),
    TriggerCase(8, 1, 3, 0x80),
    TriggerCase(8, 0, 4, 255),
    TriggerCase(8, 1, 5, 0x7F),
    TriggerCase(1, 0, 1, 1),
    TriggerCase(1, 1, 2, 0),
    TriggerCase(40, 1, 3, 0xFF_0000_0001),
    TriggerCase(40, 0, 2, 0x12_3456_789A),
    TriggerCase(8, 0, 0, 50, interval=2),
    TriggerCase(8, 1, 3, 0x90, interval=3),
    TriggerCase(8, 0, 5, 60, interval=9),
    TriggerCase(8, 1, 2, 9, interval=5),
)
FRAMERS = (FramerCase(19, 3, 8), FramerCase(4, 1, 5), FramerCase(5, 5, 3), FramerCase(6, 3, 4), FramerCase(2, 3, 7))


@dataclass
class TriggerModel:
    """When each event is due, instead of a pipeline. One call is one clock: what the ports show before its rising edge."""

    case: TriggerCase
    clock: int = 0
    ready_at: int = 0
    due: dict[int, int] = field(default_factory=dict)
    answer: tuple[int, int, int] = (0, 0, 0)
    threshold: int = -1

    def __post_init__(self):
        self.threshold = self.case.threshold

    def step(self, rst: int, in_valid: int, in_event: int, threshold_write: int, threshold_in: int) -> dict[str, int]:
        case = self.case
        ready = int(self.clock >= self.ready_at)
        accept = int(in_valid and ready and not rst)
        shown = dict(zip(("out_valid", "out_score", "out_trigger"), self.answer, strict=True))
        shown |= {"in_ready": ready, "accept": accept, "threshold": self.threshold}
        if accept:
            self.due[self.clock + case.latency] = in_event
            self.ready_at = self.clock + case.interval
        score = self.due.pop(self.clock, None)
        self.answer = (0, 0, 0) if score is None else (1, score, int(case.value(score) >= case.value(self.threshold)))
        if threshold_write:
            self.threshold = threshold_in
        if rst:
            self.due, self.ready_at, self.answer, self.threshold = {}, 0, (0, 0, 0), case.threshold
        self.clock += 1
        return shown


@dataclass
class FramerModel:
    """Words in a list. `out_event` is None when the ports show nothing of meaning."""

    case: FramerCase
    words: list[int] | None = None
    to_drop: int = 0
    shown: dict[str, int | None] = field(default_factory=lambda: {"out_valid": 0, "out_event": None, "framing_error": 0})

    def step(self, rst: int, in_valid: int, in_first: int, in_words: int) -> dict[str, int | None]:
        shown, error, event = self.shown, 0, None
        if rst:
            self.words, self.to_drop = None, 0
        elif in_valid:
            if in_first:
                error = int(self.words is not None)
                self.words, self.to_drop = [], 0
            elif self.words is None and self.to_drop == 0:
                error, self.to_drop = 1, self.case.beats
            if self.words is None:
                self.to_drop -= 1
            else:
                event = self._take(in_words)
        self.shown = {"out_valid": int(event is not None), "out_event": event, "framing_error": error}
        return shown

    def _take(self, beat: int) -> int | None:
        case = self.case
        assert self.words is not None
        self.words += split(beat, case.word_bits, case.lanes)
        if len(self.words) < case.words:
            return None
        event, self.words = join(self.words[: case.words], case.word_bits), None
        return event


def split(packed: int, bits: int, number: int) -> list[int]:
    return [packed >> bits * i & ((1 << bits) - 1) for i in range(number)]


def join(words: list[int], bits: int) -> int:
    return sum(word << bits * i for i, word in enumerate(words))


_T, _F = len(TRIGGERS), len(FRAMERS)
TRIGGER_PORTS = {
    "rst": ("in", 1),
    "in_valid": ("in", 1),
    "in_ready": ("out", 1),
    "accept": ("out", 1),
    "in_event": ("in", PORT_BITS),
    "threshold_write": ("in", 1),
    "threshold_in": ("in", PORT_BITS),
    "threshold": ("out", PORT_BITS),
    "out_valid": ("out", 1),
    "out_score": ("out", PORT_BITS),
    "out_trigger": ("out", 1),
}
FRAMER_PORTS = {
    "rst": ("in", 1),
    "in_valid": ("in", 1),
    "in_first": ("in", 1),
    "in_words": ("in", BEAT_PORT_BITS),
    "out_valid": ("out", 1),
    "out_event": ("out", EVENT_PORT_BITS),
    "framing_error": ("out", 1),
}
# Prefix of the top's ports, ports of one case, number of cases.
BENCHES = {"t": (TRIGGER_PORTS, _T), "f": (FRAMER_PORTS, _F)}


def _top_ports():
    for prefix, (ports, number) in BENCHES.items():
        for name, (direction, bits) in ports.items():
            yield f"{prefix}_{name}", direction, bits * number


def _framer_width(case: FramerCase, name: str) -> int | None:
    """Width of the port where it is less than what the top gives to each case."""
    return {"in_words": case.lanes * case.word_bits, "out_event": case.words * case.word_bits}.get(name)


def verilog_top() -> str:
    ports = ",\n".join(f"    {d}put wire [{bits - 1}:0] {name}" for name, d, bits in _top_ports())
    text = [f"module bench_top (\n    input wire clk,\n{ports}\n);"]
    for i, t in enumerate(TRIGGERS):
        generics = f".SCORE_BITS({t.bits}), .SCORE_SIGNED({t.signed}), .CORE_LATENCY({t.latency}), "
        generics += f".DEFAULT_THRESHOLD({t.bits}'h{t.threshold:x}), .INTERVAL({t.interval})"
        connections = [f".{name}(t_{name}[{bits * i}+:{bits}])" for name, (_, bits) in TRIGGER_PORTS.items()]
        text.append(f"trigger_case #({generics}) trigger_{i} (.clk(clk), {', '.join(connections)});")
    for i, f in enumerate(FRAMERS):
        connections = [f".{n}(f_{n}[{b * i}+:{_framer_width(f, n) or b}])" for n, (_, b) in FRAMER_PORTS.items()]
        generics = f".WORDS({f.words}), .LANES({f.lanes}), .WORD_BITS({f.word_bits})"
        text.append(f"l1ae_framer #({generics}) framer_{i} (.clk(clk), {', '.join(connections)});")
        unused = EVENT_PORT_BITS - f.words * f.word_bits
        if unused:
            text.append(f"assign f_out_event[{EVENT_PORT_BITS * (i + 1) - unused}+:{unused}] = 0;")
    return "\n".join([*text, "endmodule\n"])


_VHDL = Template("""library ieee;
use ieee.std_logic_1164.all;
entity bench_top is
port (
clk : in std_logic;
$ports
);
end entity;
architecture bench of bench_top is
begin
$instances
end architecture;
""")


def _slice(name: str, offset: int, bits: int, port_bits: int) -> str:
    return f"{name}({offset})" if port_bits == 1 else f"{name}({offset + bits - 1} downto {offset})"


def vhdl_top() -> str:
    ports = ";\n".join(f"{name} : {d} std_logic_vector({bits - 1} downto 0)" for name, d, bits in _top_ports())
    text = []
    for i, t in enumerate(TRIGGERS):
        generics = f'{t.bits}, {t.signed}, {t.latency}, "{t.threshold:0{t.bits}b}", {t.interval}'
        connections = [f"{name} => {_slice('t_' + name, bits * i, bits, bits)}" for name, (_, bits) in TRIGGER_PORTS.items()]
        text.append(f"trigger_{i} : entity work.trigger_case generic map ({generics}) port map (clk => clk, {', '.join(connections)});")
    for i, f in enumerate(FRAMERS):
        connections = [f"{n} => {_slice('f_' + n, b * i, _framer_width(f, n) or b, b)}" for n, (_, b) in FRAMER_PORTS.items()]
        generics = f"{f.words}, {f.lanes}, {f.word_bits}"
        text.append(f"framer_{i} : entity work.l1ae_framer generic map ({generics}) port map (clk => clk, {', '.join(connections)});")
        unused = EVENT_PORT_BITS - f.words * f.word_bits
        if unused:
            top = EVENT_PORT_BITS * (i + 1) - 1
            text.append(f"f_out_event({top} downto {top - unused + 1}) <= (others => '0');")
    return _VHDL.substitute(ports=ports, instances="\n".join(text))
