"""A delivered README names files that are in its folder, and says of a clock where it is set."""

import re
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import PurePosixPath

import numpy as np
import pytest

from l1ae.config import Config
from l1ae.contract import Contract, HardwareInput, Quantize, Threshold
from l1ae.delivery import TARGETS, Source, StageFigures
from l1ae.delivery._emp_links import Links, frames_of
from l1ae.delivery._reports import Amount
from l1ae.delivery._ugt_objects import pack
from l1ae.inputs import FixedFormat, named_layout
from l1ae.rtl import Clock, unroll

from .every_input import every_input_contract
from .records import record_at_vertex
from .tiny import tiny_events

FILE = re.compile(r"[\w./*-]*\w\.(?:md|txt|json|ya?ml|vhd|v|xml|dep|tcl|xdc|py|h|cpp|so|sh|rpt|dcp)")
FOLDER = re.compile(r"\w[\w.-]*(?:/[\w.-]+)*/")
# made in the folder by its own scripts, or put there by whoever works with it
LATER = {"vivado": ("build/*", "*.rpt", "*.dcp", "judgement.txt", "local.tcl", "settings64.sh"), "cmssw": ("PATH/*",)}
# of the run that the folder was made of
RUN = {"RUN/config.yaml"}


def top(made: dict[str, bytes]) -> str:
    """The path of the README of the folder, not of the HLS project in it."""
    return min((path for path in made if path.endswith("README.md")), key=lambda path: path.count("/"))


def named(readme: str) -> set[str]:
    """Files and folders in code and in commands."""
    spans = re.findall(r"`([^`\n]+)`", readme) + re.findall(r"^    (.+)$", readme, re.MULTILINE)
    words = {word.strip(",;\"'") for span in spans for word in span.split()}
    return {word for word in words if FILE.fullmatch(word) or FOLDER.fullmatch(word)}


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_every_file_that_a_readme_names_is_delivered(target, tiny_rtl_source):
    made = target.files(tiny_rtl_source)
    place = top(made)
    here = place.removesuffix("README.md")
    there = {path.removeprefix(here) for path in (*made, *target.built(tiny_rtl_source.contract))}
    there |= {f"{folder}/" for path in there for folder in PurePosixPath(path).parents}
    names = {name for name in named(made[place].decode()) if not any(fnmatch(name, one) for one in LATER.get(target.name, ()))} - RUN
    assert len(names) > 3
    assert [name for name in names if not any(fnmatch(path, f"*{name.replace('NNN', '[0-9]*')}") for path in there)] == []


@pytest.mark.parametrize("target", [target for name, target in TARGETS.items() if name != "cmssw"], ids=lambda target: target.name)
def test_a_clock_comes_with_the_command_that_sets_it(target, tiny_rtl_source):
    made = target.files(tiny_rtl_source)
    readme = made[top(made)].decode()
    assert " ns" in readme
    assert "`rtl.clock_period`" in readme
    assert re.search(r"^    l1ae run RUN/config\.yaml --run RUN .*--set rtl\.clock_period=\S+ --to (?:rtl|csim)$", readme, re.MULTILINE)
    assert f"l1ae deliver RUN --target {target.name}" in readme


def test_no_page_of_the_sources_is_named(tiny_rtl_source):
    for target in TARGETS.values():
        texts = {path: text.decode() for path, text in target.files(tiny_rtl_source).items() if path.endswith(".md")}
        assert texts
        assert not [path for path, text in texts.items() if "docs/" in text]


# -- where an input is, what an answer means ---------------------------------------------------------------------------


def table(readme: str, head: str) -> list[dict[str, str]]:
    """Rows of the table whose first line begins with `head`, by column."""
    lines = iter(readme[readme.index(f"\n| {head}") + 1 :].splitlines())
    columns = [cell.strip() for cell in next(lines).strip("|").split("|")]
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append(dict(zip(columns, (cell.strip().strip("`") for cell in line.strip("|").split("|")), strict=True)))
    return rows


def bits(word: int, text: str) -> int:
    high, low = (int(end) for end in text.split("..")[:2])
    return word >> low & (1 << high - low + 1) - 1


def readme_of(target: str, source) -> str:
    made = TARGETS[target].files(source)
    return made[top(made)].decode()


def test_words_are_in_the_frames_that_the_readme_of_emp_says(tiny_rtl_source):
    rows = table(readme_of("emp", tiny_rtl_source), "word | input")
    events, links = tiny_events(3), Links.of(tiny_rtl_source.rtl.design)
    data = frames_of(events, links, "x").data.astype(object)
    assert [row["input"] for row in rows] == list(tiny_rtl_source.contract.input_names)
    for number, event in enumerate(events.tolist()):
        found = [bits(data[number * links.period + int(row["frame"]), int(row["link"])], row["bits"]) for row in rows]
        assert found == [code % 2**16 for code in event]


def test_words_are_in_the_objects_that_the_readme_of_ugt_says(tiny_rtl_source):
    rows = table(readme_of("ugt", tiny_rtl_source), "word | input")
    layout, events = tiny_rtl_source.contract.layout, tiny_events(3)
    objects = pack(events, layout)
    kinds = {"mu": objects.muons, "eg": objects.egammas, "jet": objects.jets, "etm": objects.sums[:, 2:3]}
    assert len(rows) == 56  # MET has no eta
    for row in rows:
        port, _, index = row["read from"].rstrip(")").partition("(")
        where, _, signed = row["bits"].partition(", ")
        for event, word in zip(events.tolist(), kinds[port][:, int(index or 0)].tolist(), strict=True):
            code, span = bits(word, where), 1 << int(where.split("..")[0]) - int(where.split("..")[1]) + 1
            assert event[int(row["word"])] == (code - span if signed and code >= span // 2 else code)


def test_words_are_in_the_bits_that_the_readme_of_vivado_says(tiny_rtl_source):
    made = TARGETS["vivado"].files(tiny_rtl_source)
    rows = table(made["README.md"].decode(), "word | input")
    lines = [line.split() for line in made["sim/events.txt"].decode().splitlines() if not line.startswith("#")]
    assert len(lines) == len(tiny_rtl_source.events)
    scores, triggers = tiny_rtl_source.answers
    for (word, score, trigger), event, expected, fires in zip(lines, tiny_rtl_source.events.tolist(), scores, triggers, strict=True):
        assert [bits(int(word, 16), row["bits of `in_event`"]) for row in rows] == [code % 2**13 for code in event]
        assert (int(score, 16), trigger) == (expected, str(int(fires)))


def test_an_input_without_a_sign_is_said_to_be_zero_extended(tiny_config):
    form = FixedFormat.parse("ufixed<12,12>")
    hw = HardwareInput(name="hw", inputs=(), format=form, size=1, low=np.zeros(1, np.int64), high=np.full(1, 4095))
    score = Quantize(name="score", inputs=("hw",), format=form, size=1)
    trigger = Threshold(name="trigger", inputs=("score",), format=FixedFormat.parse("ufixed<1,1>"), size=1, threshold=9)
    contract = Contract("plain_v1", (hw, score, trigger))
    project = unroll(contract, Clock(4.16, 12.5), part=tiny_config.rtl_part).project
    config = tiny_config.model_copy(update={"name": "plain", "version": 1})
    text = readme_of("emp", Source(contract, config, np.arange(4)[:, None], None, project))
    assert "each in 16 bits of a frame\n(zero-extended)" in text
    assert "sign-extended" not in text


def test_signed_inputs_and_scores_are_said_to_be_sign_extended(tiny_rtl_source):
    assert "each in 16 bits of a frame\n(sign-extended)" in readme_of("emp", tiny_rtl_source)


@pytest.mark.parametrize("target", ["ugt", "emp"])
def test_a_working_point_has_its_rate_with_the_interval(target, tiny_rtl_source):
    rate = {"khz": 1.0417, "low": 0.9512, "high": 1.1388}
    found = {"confidence": 0.95, "working_points": [{"name": "1 kHz", "threshold": 900, "raw": rate}]}
    text = readme_of(target, replace(tiny_rtl_source, working_points=found))
    assert "| raw rate, 95 % interval |" in text
    assert "| 1 kHz | 900 | 56.25 | 1.04 kHz (0.951 to 1.14) |" in text


@pytest.mark.parametrize(("layout", "said"), [("ugt", "**ETM, not ETMHF**"), ("record", "**ETMHF, not ETM**")])
def test_which_missing_energy_is_read_is_said(layout, said, tiny_rtl_source):
    found = named_layout("ugt") if layout == "ugt" else record_at_vertex()
    contract = every_input_contract(found)
    config = tiny_rtl_source.config.model_copy(update={"name": "every", "version": 2})
    source = replace(tiny_rtl_source, contract=contract, config=config, events=np.zeros((1, found.size), np.int64), rtl=None)
    assert said in readme_of("ugt", source)


def test_one_crossing_is_one(tiny_rtl_source):
    design = replace(tiny_rtl_source.rtl.design, latency=1, clock_period=25.0)
    text = readme_of("ugt", replace(tiny_rtl_source, rtl=replace(tiny_rtl_source.rtl, design=design)))
    assert "change 1 edge later:\n**1 crossing, 25 ns**" in text


@pytest.mark.parametrize("target", ["emp", "vivado"])
def test_the_command_for_another_clock_is_taken_by_a_run_in_crossings(target, tiny_rtl_source):
    """Both keys in one configuration are refused: the one takes the other back."""
    text = readme_of(target, tiny_rtl_source)
    (command,) = re.findall(r"^    l1ae run (.*--set rtl\.clock_period=.*)$", text, re.MULTILINE)
    given = dict(pair.split("=") for pair in re.findall(r"--set (\S+)", command.replace("=NS", "=4.16")))
    rtl = {"crossings": 1} | {
        key.removeprefix("rtl."): None if value == "null" else float(value) for key, value in given.items() if key.startswith("rtl.")
    }
    config = tiny_rtl_source.config.model_dump(exclude_unset=True) | {"rtl": rtl}
    assert Config.model_validate(config).rtl_clock_period == 4.16


COST = StageFigures(
    design="rtl",
    stage="open synthesis",
    tool="Yosys 0.60",
    part="xcvu9p-flga2104-2L-e",
    clock_ns=4.16,
    uncertainty_ns=0.52,
    slack_ns=1.06,
    resources={"lut": Amount(371), "ff": Amount(403), "dsp": Amount(0), "bram": Amount(0.0)},
)


@pytest.mark.parametrize("target", ["ugt", "emp", "vivado"])
def test_what_the_synthesis_found_is_said(target, tiny_rtl_source):
    text = readme_of(target, replace(tiny_rtl_source, cost=COST))
    assert "By Yosys 0.60, before placement, xcvu9p-flga2104-2L-e: 371 LUT (packed), 403 FF, 0 DSP, 0.0 BRAM" in text
    assert "2.58 of 4.16 ns, with 0.52 ns of uncertainty to be kept free" in text  # 4.16 - 0.52 - 1.06
    assert "Not known: `l1ae synth RUN`, then deliver again." in readme_of(target, tiny_rtl_source)
