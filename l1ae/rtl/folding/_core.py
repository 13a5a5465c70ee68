"""The core of a folded design: steps of a plan on a time line of clocks, as a module.

Clock 0 is the one with `start` = 1. Every event goes the same way through the same clocks; there is no other control than
`pulses`, in which pulse t is 1 in clock t.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from alkaid.types import CombLogic

from l1ae.rtl._delay import Delays
from l1ae.rtl._schedule import Clock
from l1ae.rtl.folding._netlist import Bit, Module, Part, Signal
from l1ae.rtl.folding._plan import FoldPlan, Segment, SerialFold, Step, WindowFold
from l1ae.rtl.folding._serial import SerialNet
from l1ae.rtl.folding._stages import Stages, stages_of
from l1ae.rtl.folding._words import Word, union

__all__ = ["FoldedCore", "folded_core"]

# Bits of a selection or of a load and shift in LUTs, to choose how a window moves.
_SELECT, _SHIFT = 0.4, 0.6


@dataclass(frozen=True)
class FoldedCore:
    """`core` and the `nets` it uses, in order of compilation; `logic`: combinational modules by name. `latency` in clocks."""

    core: Module
    nets: tuple[Module, ...]
    logic: dict[str, CombLogic]
    latency: int


@dataclass(frozen=True)
class _Available:
    """A tensor's words, packed, and from which clock to which they are there."""

    signal: Signal
    first: int
    last: int


def folded_core(plan: FoldPlan, name: str, clock: Clock, delays: Delays) -> FoldedCore:
    """Lay out `plan` for `clock`."""
    builder = _Builder(plan, name, clock, delays)
    for step in plan.steps:
        builder.step(step)
    return builder.finished()


class _Builder:
    def __init__(self, plan: FoldPlan, name: str, clock: Clock, delays: Delays) -> None:
        self._plan, self._name, self._clock, self._delays = plan, name, clock, delays
        hardware, score = plan.contract.hardware, plan.contract.score
        event = Signal("in_event", hardware.size * hardware.format.width)
        self._score = Signal("score", score.format.width)
        comment = f"Score of '{plan.contract.project}', folded: one event every {plan.interval} clocks or less often."
        self._module = Module(name, comment, ("clk", "rst", "start"), (event,), (self._score,))
        self._nets: list[Module] = []
        self._logic: dict[str, CombLogic] = {}
        self._last_pulse = 1
        self._tensors: dict[str, _Available] = {hardware.name: _Available(event, 0, 0)}
        self._keep(hardware.name)

    # -- time ------------------------------------------------------------------------------------------------------

    def _pulse(self, clock: int) -> Bit:
        self._last_pulse = max(self._last_pulse, clock)
        return Bit("pulses", clock)

    def _keep(self, name: str) -> None:
        """Register a tensor at the last clock in which it is there, for as long as no other event comes."""
        old = self._tensors[name]
        signal = self._module.signal(f"{old.signal.name}_kept", old.signal.width)
        self._module.instance(
            "l1ae_hold", f"u_{signal.name}", {"WIDTH": signal.width}, clk=Bit("clk"), load=self._pulse(old.last), d=old.signal, q=signal
        )
        self._tensors[name] = _Available(signal, old.last + 1, old.last + self._plan.interval)

    def _at(self, name: str, clock: int) -> Signal:
        """The packed words of a tensor in a clock."""
        while self._tensors[name].last < clock:
            self._keep(name)
        assert self._tensors[name].first <= clock
        return self._tensors[name].signal

    def _ready(self, names: Sequence[str]) -> int:
        return max((self._tensors[name].first for name in names if name in self._tensors), default=1)

    def _make(self, name: str, signal: Signal | None, clock: int) -> None:
        if signal is not None:
            self._tensors[name] = _Available(signal, clock, clock)

    # -- words -----------------------------------------------------------------------------------------------------

    def _word(self, name: str, word: int, clock: int) -> Part:
        words = self._plan.values[name].words
        return self._at(name, clock).part(sum(w.width for w in words[:word]), words[word].width)

    def _element(self, name: str, element: int, form: Word, clock: int) -> list[Part]:
        """An element of a tensor (-1: zero) in the bits of `form`, which holds it."""
        values = self._plan.values[name]
        index = -1 if element < 0 else int(values.index[element])
        if index < 0:
            value = 0.0 if element < 0 else float(values.constants[element])
            return [Part(None, round(value / form.step) & (1 << form.width) - 1, form.width)]
        return _aligned(self._word(name, index, clock), values.words[index], form)

    # -- steps -----------------------------------------------------------------------------------------------------

    def step(self, step: Step) -> None:
        """Append a step."""
        if step.segment is not None:
            self._segment(step.segment)
        for fold in step.folds:
            if isinstance(fold, SerialFold):
                self._serial(fold)
            else:
                self._window(fold)

    def _segment(self, segment: Segment) -> None:
        start, values = self._ready(segment.inputs), self._plan.values
        words = [self._word(name, k, start) for name in segment.inputs for k in range(len(values[name].words))]
        label = "_".join(segment.outputs)
        stages = stages_of(segment.logic, segment.layers, self._clock, self._after(segment), self._delays)
        out, clock = self._pipeline(label, stages, words, start)
        place = 0
        for name in segment.outputs:
            width = sum(word.width for word in values[name].words)
            self._make(name, self._module.wire(f"t_{name}", [out.part(place, width)]) if width else None, clock)
            place += width

    def _after(self, segment: Segment) -> float:
        """The comparison with the threshold, or the multiplexer in front of the registers of the next fold."""
        if self._plan.contract.score.name in segment.outputs:
            return self._delays.adder(self._score.width)
        return self._delays.level()

    def _pipeline(self, label: str, stages: Stages, words: Sequence[Part], clock: int) -> tuple[Signal, int]:
        """The outputs of `stages`, not registered, and their clock, given the parts that drive their inputs in `clock`."""
        signal = self._module.wire(f"{label}_in", [words[k] for k in stages.inputs])
        for number, stage in enumerate(stages.logic):
            if number:
                signal, clock = self._registered(signal), clock + 1
            name = f"{self._name}_{label}_{number}"
            self._logic[name] = stage
            out = self._module.signal(f"{label}_{number}", int(stage.out_kifs.sum()))
            assert int(stage.inp_kifs.sum()) == signal.width
            self._module.instance(name, f"u_{label}_{number}", {}, model_inp=signal, model_out=out)
            signal = out
        return signal, clock

    def _registered(self, signal: Signal) -> Signal:
        return self._module.wire(f"{signal.name}_q", [self._taps(signal, 1).part(signal.width, signal.width)])

    def _taps(self, signal: Signal, clocks: int) -> Signal:
        taps = self._module.signal(f"{signal.name}_taps", signal.width * (clocks + 1))
        self._module.instance(
            "l1ae_delay", f"u_{taps.name}", {"WIDTH": signal.width, "CLOCKS": clocks}, clk=Bit("clk"), d=signal, taps=taps
        )
        return taps

    def _collected(self, signal: Signal, steps: int) -> Signal:
        word = self._module.signal(f"{signal.name}_all", signal.width * steps)
        self._module.instance("l1ae_collect", f"u_{word.name}", {"STEP": signal.width, "STEPS": steps}, clk=Bit("clk"), d=signal, word=word)
        return word

    # -- serial layers ---------------------------------------------------------------------------------------------

    def _serial(self, fold: SerialFold) -> None:
        net, load = fold.net, self._ready([fold.source])
        if not net.values.words:
            return
        name = f"{self._name}_{fold.layer}_net"
        self._nets.append(_net_module(net, name))
        self._last_pulse = max(self._last_pulse, load + 1 + net.depth)
        first = Part(Signal("pulses", 0), load + 1, net.depth + 1)
        banks: dict[tuple[int, float], Part] = {}
        words: list[Part] = []
        for number, row in enumerate(fold.sources):
            digits = [self._digits(fold, int(element), slot, load, banks) for element, slot in zip(row, net.words, strict=True)]
            x = self._module.wire(f"{fold.layer}_x{number}", digits)
            y = self._module.signal(f"{fold.layer}_y{number}", net.digit * len(net.outputs))
            self._module.instance(name, f"u_{fold.layer}_{number}", {}, clk=Bit("clk"), first=first, x=x, y=y)
            words += _words_of(net, self._collected(y, net.digits))
        self._make(fold.name, self._module.wire(f"{fold.layer}_product", words), load + net.depth + net.digits)

    def _digits(self, fold: SerialFold, element: int, slot: Word, load: int, banks: dict[tuple[int, float], Part]) -> Part:
        """The stream of one element: a register that takes its word and shifts it out."""
        digit, form = fold.net.digit, self._plan.values[fold.source].word_of(element)
        if form.low == form.high == 0:
            return Part(None, 0, digit)
        key = element, slot.step
        if key not in banks:
            form = Word(form.low, form.high, slot.step)
            parts = _extended(self._element(fold.source, element, form, load), max(form.width, digit), form.signed)
            d = self._module.wire(f"{fold.layer}_d{len(banks)}", parts)
            banks[key] = self._unloaded(d, digit, form.signed, load).part(0, digit)
        return banks[key]

    def _unloaded(self, d: Signal, step: int, signed: bool, load: int) -> Signal:
        q = self._module.signal(f"{d.name}_q", d.width)
        parameters = {"WIDTH": d.width, "STEP": step, "SIGNED": int(signed)}
        self._module.instance("l1ae_unload", f"u_{q.name}", parameters, clk=Bit("clk"), load=self._pulse(load), d=d, q=q)
        return q

    # -- windows ---------------------------------------------------------------------------------------------------

    def _window(self, fold: WindowFold) -> None:
        load, clocks = self._ready([fold.source]), len(fold.sources)
        if not fold.core.words:
            return
        step = _regular_step(fold, len(self._plan.values[fold.source].index))
        if step and self._shift_is_smaller(fold):
            words, clock = self._shifting(fold, step, load), load + 1
        else:
            words, clock = self._selecting(fold, load), load + 2
        stages = stages_of(fold.logic, (fold.layer,) * len(fold.logic.ops), self._clock, 0.0, self._delays)
        out, clock = self._pipeline(fold.layer, stages, words, clock)
        word = self._collected(self._registered(out), clocks)
        self._make(fold.name, word, clock + clocks)

    def _shift_is_smaller(self, fold: WindowFold) -> bool:
        values = self._plan.values[fold.source]
        bits = len(values.index) * union(values.word_of(k) for k in range(len(values.index))).width
        chosen = sum(slot.width * len(np.unique(column)) for slot, column in zip(fold.slots, fold.sources.T, strict=True))
        return _SHIFT * bits <= _SELECT * chosen

    def _shifting(self, fold: WindowFold, step: int, load: int) -> list[Part]:
        """The image in a register that moves on by one window per clock."""
        values = self._plan.values[fold.source]
        size = len(values.index)
        form = union(values.word_of(k) for k in range(size))
        parts = [part for k in range(size) for part in self._element(fold.source, k, form, load)]
        q = self._unloaded(self._module.wire(f"{fold.layer}_image", parts), step * form.width, False, load)
        windows = zip(fold.sources[0], fold.slots, strict=True)
        return [q.part(int(k) * form.width + form.fraction - slot.fraction, slot.width) for k, slot in windows]

    def _selecting(self, fold: WindowFold, load: int) -> list[Part]:
        """All windows side by side, of which a counter chooses one per clock."""
        parts = []
        for row in fold.sources:
            for element, slot in zip(row, fold.slots, strict=True):
                parts += self._element(fold.source, int(element), slot, load)
        d = self._module.wire(f"{fold.layer}_windows", parts)
        width = sum(slot.width for slot in fold.slots)
        q = self._module.signal(f"{fold.layer}_window", width)
        parameters = {"STEP": width, "STEPS": len(fold.sources)}
        self._module.instance("l1ae_select", f"u_{q.name}", parameters, clk=Bit("clk"), load=self._pulse(load), d=d, q=q)
        ends = np.cumsum([0, *(slot.width for slot in fold.slots)])
        return [q.part(int(low), slot.width) for low, slot in zip(ends[:-1], fold.slots, strict=True)]

    # -- end -------------------------------------------------------------------------------------------------------

    def finished(self) -> FoldedCore:
        """Connect the score and the pulses."""
        score = self._plan.contract.score
        clock, form = self._ready([score.name]), score.format
        target = Word(form.low * form.lsb, form.high * form.lsb, form.lsb)
        self._module.assign(self._score, self._element(score.name, 0, target, clock))
        pulses = self._module.signal("pulses", self._last_pulse + 1)
        parameters = {"CLOCKS": self._last_pulse}
        self._module.instance("l1ae_pulses", "u_pulses", parameters, clk=Bit("clk"), rst=Bit("rst"), start=Bit("start"), pulses=pulses)
        return FoldedCore(self._module, tuple(self._nets), self._logic, clock)


def _aligned(part: Part, word: Word, form: Word) -> list[Part]:
    """The bits of a word at the binary point and width of `form`."""
    zeros = form.fraction - word.fraction
    assert zeros >= 0
    return _extended([Part(None, 0, zeros), part], form.width, word.signed)


def _extended(parts: Sequence[Part], width: int, signed: bool) -> list[Part]:
    missing = width - sum(part.width for part in parts)
    top = parts[-1]
    if missing <= 0:
        return [*parts[:-1], top._replace(width=top.width + missing)]
    if not signed:
        return [*parts, Part(None, 0, missing)]
    if top.signal is None:
        sign = top.low >> (top.width - 1)
        return [*parts, Part(None, ((1 << missing) - 1) * sign, missing)]
    return [*parts, *[Part(top.signal, top.low + top.width - 1, 1)] * missing]


def _regular_step(fold: WindowFold, size: int) -> int:
    """By how many elements the window moves every clock, 0 if it does not move regularly. Zeros may come after the image."""
    sources = fold.sources
    if sources.shape[0] < 2 or (sources[0] < 0).any():
        return 0
    step = int(sources[1, 0] - sources[0, 0])
    expected = sources[0] + step * np.arange(len(sources))[:, None]
    return step if step > 0 and np.array_equal(np.where(expected < size, expected, -1), sources) else 0


def _words_of(net: SerialNet, collected: Signal) -> list[Part]:
    """The words in the digits of all outputs, which lie clock by clock."""
    row, parts = net.digit * len(net.outputs), []
    for k, ((_, drop), word) in enumerate(zip(net.outputs, net.values.words, strict=True)):
        for phase in range(net.digits):
            low = max(drop - phase * net.digit, 0)
            high = min(drop + word.width - phase * net.digit, net.digit)
            if low < high:
                parts.append(collected.part(phase * row + k * net.digit + low, high - low))
    return parts


def _net_module(net: SerialNet, name: str) -> Module:
    """The adders of a matrix product and the registers between them."""
    digit = net.digit
    x, y = Signal("x", digit * len(net.words)), Signal("y", digit * len(net.outputs))
    first = Signal("first", net.depth + 1)
    comment = f"Matrix product, {digit} bits of every number per clock: {len(net.adders)} adders."
    module = Module(name, comment, ("clk",), (first, x), (y,))
    streams = [x.part(digit * k, digit) for k in range(len(net.words))]
    streams += [module.signal(f"s{k}", digit).part(0, digit) for k in range(len(net.adders))]
    taps: dict[int, Signal] = {}
    for stream, clocks in net.delays().items():
        taps[stream] = module.signal(f"d{stream}", digit * (clocks + 1))
        module.instance(
            "l1ae_delay", f"u_d{stream}", {"WIDTH": digit, "CLOCKS": clocks}, clk=Bit("clk"), d=streams[stream], taps=taps[stream]
        )

    def at(stream: int, clock: int) -> Part:
        if stream < 0:
            return Part(None, 0, digit)
        late = clock - net.clocks[stream]
        return taps[stream].part(late * digit, digit) if late else streams[stream]

    for k, adder in enumerate(net.adders):
        parameters = {"DIGIT": digit, "SHIFT_A": adder.shift_a, "SHIFT_B": adder.shift_b, "SUBTRACT": int(adder.subtract)}
        a, b = at(adder.a, adder.clock - 1), at(adder.b, adder.clock - 1)
        begins = Bit("first", adder.clock - 1)
        module.instance("l1ae_digit_adder", f"u_s{k}", parameters, clk=Bit("clk"), first=begins, a=a, b=b, sum=streams[len(net.words) + k])
    module.assign(y, [at(stream, net.depth) for stream, _ in net.outputs])
    return module
