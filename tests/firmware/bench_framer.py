"""The framer in several shapes: random stimulus against the model, and the named situations one by one."""

import os
import random

import cocotb
from cases import BEAT_PORT_BITS, FRAMERS, FramerModel, join
from player import Player

CLOCKS = int(os.environ.get("BENCH_CLOCKS", "2000"))


class Source:
    """Events of one case as beats. The lanes that the last beat does not use are all ones."""

    def __init__(self, case, generator):
        self.case, self.generator, self.sent = case, generator, []
        self.beats = []

    def beat(self) -> tuple[int, int]:
        """in_first and in_words of the next beat; a new event begins when the last one is through."""
        case = self.case
        if not self.beats:
            words = [self.generator.getrandbits(case.word_bits) for _ in range(case.words)]
            self.sent.append(join(words, case.word_bits))
            words += [(1 << case.word_bits) - 1] * (case.beats * case.lanes - case.words)
            self.beats = [join(words[i : i + case.lanes], case.word_bits) for i in range(0, len(words), case.lanes)]
            return 1, self.beats.pop(0)
        return 0, self.beats.pop(0)


async def _send(player, sources, pause=0.0, spoil=None):
    """One event of every case, with pauses; `spoil(beat number, in_first) -> in_first`. Yields what the ports show."""
    waiting = [s.case.beats for s in sources]
    shown = []
    while any(waiting):
        beats = []
        for i, source in enumerate(sources):
            if not waiting[i] or source.generator.random() < pause:
                beats.append((0, source.generator.getrandbits(1), source.generator.getrandbits(BEAT_PORT_BITS)))
                continue
            first, words = source.beat()
            number = source.case.beats - waiting[i]
            beats.append((1, spoil(number, first) if spoil else first, words))
            waiting[i] -= 1
        valid, first, words = (list(column) for column in zip(*beats, strict=True))
        shown.append(await player.step(in_valid=valid, in_first=first, in_words=words))
    return shown


def _collected(shown):
    """Per case: the events and the number of framing errors."""
    events = [[s["out_event"][i] for s in shown if s["out_valid"][i]] for i in range(len(FRAMERS))]
    return events, [sum(s["framing_error"][i] for s in shown) for i in range(len(FRAMERS))]


async def _start(dut):
    player, generator = Player(dut, "f"), random.Random(7)
    await player.step(rst=1)
    return player, [Source(case, generator) for case in FRAMERS]


@cocotb.test()
async def back_to_back(dut):
    """No gap within or between events: every event comes once, one clock after its last beat."""
    player, sources = await _start(dut)
    beats = [case.beats for case in FRAMERS]
    for clock in range(40):
        sent = [s.beat() for s in sources]
        shown = await player.step(in_valid=1, in_first=[first for first, _ in sent], in_words=[words for _, words in sent])
        assert shown["framing_error"] == [0] * len(FRAMERS)
        for i, source in enumerate(sources):
            complete = clock > 0 and clock % beats[i] == 0
            assert shown["out_valid"][i] == complete, (clock, FRAMERS[i])
            if complete:
                assert shown["out_event"][i] == source.sent[clock // beats[i] - 1], (clock, FRAMERS[i])


@cocotb.test()
async def gaps(dut):
    """Pauses anywhere, with in_first and words that mean nothing: all events, no error."""
    player, sources = await _start(dut)
    shown = [s for _ in range(8) for s in await _send(player, sources, pause=0.5)]
    events, errors = _collected([*shown, await player.step()])
    assert events == [s.sent for s in sources]
    assert errors == [0] * len(FRAMERS)


@cocotb.test()
async def missing_first(dut):
    """The second of three events lacks in_first: it is lost with one error, the others come."""
    player, sources = await _start(dut)
    shown = await _send(player, sources)
    shown += await _send(player, sources, spoil=lambda _number, _first: 0)
    shown += await _send(player, sources)
    events, errors = _collected([*shown, await player.step()])
    assert events == [[s.sent[0], s.sent[2]] for s in sources]
    assert errors == [1] * len(FRAMERS)


@cocotb.test()
async def early_first(dut):
    """in_first again on the second beat: that event is lost with an error, and so is the one that began there, by the next's.

    An event of two beats or more is meant; the next event comes unharmed.
    """
    player, sources = await _start(dut)
    shown = await _send(player, sources, spoil=lambda number, first: int(number == 1 or first))
    shown += await _send(player, sources)
    events, errors = _collected([*shown, await player.step()])
    for i, (case, source) in enumerate(zip(FRAMERS, sources, strict=True)):
        assert events[i] == source.sent[-1 if case.beats > 1 else 0 :], case
        assert errors[i] == (2 if case.beats > 1 else 0), case


@cocotb.test()
async def reset_in_an_event(dut):
    """The beats after a reset in mid-event are lost with one error; the next event is whole."""
    player, sources = await _start(dut)
    sent = [s.beat() for s in sources]
    shown = [await player.step(in_valid=1, in_first=[first for first, _ in sent], in_words=[words for _, words in sent])]
    sent = [s.beat() if s.beats else (0, 0) for s in sources]
    shown.append(await player.step(rst=1, in_valid=1, in_words=[words for _, words in sent]))
    rest = [len(s.beats) for s in sources]
    for _ in range(max(rest)):
        valid = [int(bool(s.beats)) for s in sources]
        shown.append(await player.step(in_valid=valid, in_words=[s.beat()[1] if v else 0 for s, v in zip(sources, valid, strict=True)]))
    shown += await _send(player, sources)
    events, errors = _collected([*shown[2:], await player.step()])
    assert events == [[s.sent[-1]] for s in sources]
    assert errors == [int(r > 0) for r in rest]


@cocotb.test()
async def random_stimulus(dut):
    """Gaps, early and missing in_first and resets at random, against the model."""
    player, generator = Player(dut, "f"), random.Random(20250712)
    models, sources = [FramerModel(c) for c in FRAMERS], [Source(c, generator) for c in FRAMERS]
    await player.step(rst=1)
    player.log.clear()
    complete = 0
    for clock in range(CLOCKS):
        driven = [_draw(source, generator) for source in sources]
        shown = await player.step(**{name: [d[name] for d in driven] for name in driven[0]})
        for i, (model, inputs) in enumerate(zip(models, driven, strict=True)):
            for name, value in model.step(**inputs).items():
                assert value is None or shown[name][i] == value, f"clock {clock}, {FRAMERS[i]}: {name} is {shown[name][i]}, not {value}"
        complete += sum(shown["out_valid"])
    assert complete > CLOCKS / 10
    player.save()


def _draw(source, generator):
    rst, valid = int(generator.random() < 0.01), int(generator.random() < 0.85)
    first, words = source.beat() if valid else (generator.getrandbits(1), generator.getrandbits(BEAT_PORT_BITS))
    return {"rst": rst, "in_valid": valid, "in_first": first ^ int(generator.random() < 0.02), "in_words": words}
