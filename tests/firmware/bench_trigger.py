"""The shell with a core of 0 to 5 registers: random stimulus against the model, and what must hold by its description alone."""

import os
import random

import cocotb
from cases import TRIGGERS, TriggerModel
from player import Player

CLOCKS = int(os.environ.get("BENCH_CLOCKS", "2000"))
EVERYBODY = range(len(TRIGGERS))
PIPELINED = [i for i in EVERYBODY if TRIGGERS[i].interval == 1]
LONGEST = max(t.latency + t.interval for t in TRIGGERS) + 2
LARGEST = [t.code(t.largest) for t in TRIGGERS]


@cocotb.test()
async def power_up(dut):
    """Before any reset: no answer, the default threshold, ready."""
    player = Player(dut, "t")
    for _ in range(LONGEST):
        shown = await player.step(in_event=LARGEST)
        assert shown["out_valid"] == shown["out_trigger"] == shown["out_score"] == [0] * len(TRIGGERS)
        assert shown["threshold"] == [t.threshold for t in TRIGGERS]
        assert shown["in_ready"] == [1] * len(TRIGGERS)


@cocotb.test()
async def latency(dut):
    """One event among garbage that is not valid: one answer, CORE_LATENCY edges after the edge that takes the event."""
    player = Player(dut, "t")
    await player.step(rst=1)
    for clock in range(LONGEST):
        shown = await player.step(in_valid=int(clock == 0), in_event=LARGEST)
        for i, t in enumerate(TRIGGERS):
            answered = clock == t.latency + 1
            assert shown["out_valid"][i] == answered, (clock, t)
            assert shown["out_score"][i] == (LARGEST[i] if answered else 0), (clock, t)
            assert shown["out_trigger"][i] == answered, (clock, t)


@cocotb.test()
async def reset_forgets(dut):
    """Full pipelines of triggering events, then one clock of reset with an event offered: silence, and the default threshold."""
    player = Player(dut, "t")
    await player.step(rst=1)
    for filled in range(1, LONGEST + 1):
        for _ in range(filled):
            await player.step(in_valid=1, in_event=LARGEST, threshold_write=1, threshold_in=[t.code(t.least) for t in TRIGGERS])
        shown = await player.step(rst=1, in_valid=1, in_event=LARGEST, threshold_write=1, threshold_in=LARGEST)
        assert shown["accept"] == [0] * len(TRIGGERS)
        for _ in range(LONGEST):
            shown = await player.step(in_event=LARGEST)
            assert shown["out_valid"] == shown["out_trigger"] == shown["out_score"] == [0] * len(TRIGGERS), filled
            assert shown["threshold"] == [t.threshold for t in TRIGGERS]
            assert shown["in_ready"] == [1] * len(TRIGGERS)


@cocotb.test()
async def borders(dut):
    """Around four thresholds each: below, at and above it, and the ends of the range."""
    player = Player(dut, "t")
    await player.step(rst=1)
    for position in (0.0, 0.4, 0.6, 1.0):
        limit = [t.least + round(position * (t.largest - t.least)) for t in TRIGGERS]
        codes = [t.code(v) for t, v in zip(TRIGGERS, limit, strict=True)]
        await player.step(threshold_write=1, threshold_in=codes)
        assert (await player.step())["threshold"] == codes
        for shift in (-1, 0, 1, None, "end"):
            scores = [_border(t, v, shift) for t, v in zip(TRIGGERS, limit, strict=True)]
            events = [t.code(s) for t, s in zip(TRIGGERS, scores, strict=True)]
            answers = {}
            for clock in range(LONGEST):
                shown = await player.step(in_valid=int(clock == 0), in_event=events)
                answers |= {i: shown["out_trigger"][i] for i in EVERYBODY if shown["out_valid"][i]}
            assert answers == {i: int(scores[i] >= limit[i]) for i in EVERYBODY}, (position, shift)


def _border(case, limit, shift):
    if shift is None:
        return case.least
    return case.largest if shift == "end" else min(max(limit + shift, case.least), case.largest)


@cocotb.test()
async def threshold_takes_effect(dut):
    """A stream of equal scores while the threshold goes from above to at the score: the answer changes where it must."""
    player = Player(dut, "t")
    await player.step(rst=1)
    middle = [t.code((t.least + t.largest) // 2) for t in TRIGGERS]
    above = [t.code((t.least + t.largest) // 2 + 1) for t in TRIGGERS]
    await player.step(threshold_write=1, threshold_in=above)
    for clock in range(2 * LONGEST):
        write = int(clock == LONGEST)
        shown = await player.step(in_valid=1, in_event=middle, threshold_write=write, threshold_in=middle)
        assert shown["threshold"] == (middle if clock > LONGEST else above)
        for i in PIPELINED:
            # Clock LONGEST + 1 still shows what was compared on the edge that loaded the register.
            if clock > TRIGGERS[i].latency:
                assert shown["out_trigger"][i] == int(clock > LONGEST + 1), (clock, TRIGGERS[i])


@cocotb.test()
async def interval(dut):
    """With an event always offered, every INTERVAL-th is taken; ready is low exactly between."""
    player = Player(dut, "t")
    await player.step(rst=1)
    for clock in range(4 * LONGEST):
        shown = await player.step(in_valid=1, in_event=[clock % 2] * len(TRIGGERS))
        for i, t in enumerate(TRIGGERS):
            assert shown["in_ready"][i] == shown["accept"][i] == int(clock % t.interval == 0), (clock, t)
            taken = clock - t.latency - 1
            answered = taken >= 0 and taken % t.interval == 0
            assert shown["out_valid"][i] == answered, (clock, t)
            assert shown["out_score"][i] == (taken % 2 if answered else 0), (clock, t)


@cocotb.test()
async def random_stimulus(dut):
    """Everything at once against the model, after a reset; what the ports show is kept for the comparison of the languages."""
    player, generator = Player(dut, "t"), random.Random(20250711)
    models = [TriggerModel(t) for t in TRIGGERS]
    await player.step(rst=1)
    player.log.clear()
    for clock in range(CLOCKS):
        eagerness = (0.1, 0.5, 0.9, 1.0)[clock // 50 % 4]
        driven = [_draw(m, generator, eagerness) for m in models]
        shown = await player.step(**{name: [d[name] for d in driven] for name in driven[0]})
        for i, (model, inputs) in enumerate(zip(models, driven, strict=True)):
            for name, value in model.step(**inputs).items():
                assert shown[name][i] == value, f"clock {clock}, {TRIGGERS[i]}: {name} is {shown[name][i]}, not {value}"
    player.save()


def _draw(model, generator, eagerness):
    case = model.case
    near = [case.code(case.value(model.threshold) + d) for d in (-1, 0, 1)]
    values = [*near, case.code(case.least), case.code(case.largest), generator.getrandbits(case.bits)]
    return {
        "rst": int(generator.random() < 0.03),
        "in_valid": int(generator.random() < eagerness),
        "in_event": generator.choice(values),
        "threshold_write": int(generator.random() < 0.1),
        "threshold_in": generator.choice(values),
    }
