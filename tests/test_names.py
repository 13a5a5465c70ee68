"""Strings of a configuration, a layout or a description that would be code in the languages that they are written into."""

import re
from dataclasses import replace

import pytest
from pydantic import TypeAdapter, ValidationError

from l1ae.config import Config
from l1ae.contract import Contract
from l1ae.delivery import TARGETS, Source
from l1ae.delivery._cmssw import CMSSW
from l1ae.delivery._ugt_hdl import model_package, values_of
from l1ae.delivery._ugt_vectors import WorkingPoint
from l1ae.errors import UserError
from l1ae.hls import convert
from l1ae.inputs import Layout, named_layout
from l1ae.names import KINDS, ModelName, PartName, Text, checked, comment, tcl

from .delivery.tiny import tiny_contract, tiny_events

# What means something in Tcl, sh, make, C++, VHDL or Verilog, each behind a beginning that is right.
HOSTILE = (
    "; exec touch owned", "[exec touch owned]", "$(touch owned)", "`touch owned`", "${owned}", "$owned", "{", "}", '"', "'", "\\", "\\n",
    "\n#include <cstdlib>", "\r", "\0", "\x0b", "\u2028", "\u0085", " ", "\t", "*/", "|", "&", "<", ">", "#", "%s", "(", ")", "=", ",",
    "??/\n", "../../etc", "\x1b[31m", "é" * 600,
)  # fmt: skip
RIGHT = {"model name": "dnn_ae", "project": "dnn_ae_v3", "layer": "enc0", "part": "xcvu9p-flga2104-2L-e", "path": "verilog/a_v1.v"}
MODEL = {"architecture": "dense_ae", "score": "squared_error"}


@pytest.mark.parametrize("kind", RIGHT)
def test_only_names_are_names(kind):
    assert checked(kind, RIGHT[kind]) == RIGHT[kind]
    assert tcl(RIGHT[kind], kind) == f"{{{RIGHT[kind]}}}"
    for hostile in (*HOSTILE, *(hostile + RIGHT[kind] for hostile in HOSTILE)):
        with pytest.raises(UserError, match=f"^{kind} .* must be {re.escape(KINDS[kind].rule)}$"):
            checked(kind, RIGHT[kind] + hostile)
    for wrong in ("", "-e", "--version", "/etc/passwd", " x"):
        with pytest.raises(UserError):
            checked(kind, wrong)


@pytest.mark.parametrize("text", ["pT > 3 GeV, both muons", "µ: Δφ (rad)", "", "a; b {c} $d [e]", "50 % of *all* 'jets'"])
def test_a_comment_holds_any_line(text):
    assert comment(text) == TypeAdapter(Text).validate_python(text) == text


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\\", "a??/", "a\u2028b", "a\x00b", "a" * 501, "\ud800"])
def test_a_comment_ends_with_its_line(text):
    with pytest.raises(UserError, match=r"^text .* one line of printable characters"):
        comment(text)
    with pytest.raises(ValidationError):
        TypeAdapter(Text).validate_python(text)


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("key", ["name", "hls.part", "rtl.part"])
def test_a_configuration_runs_nothing(key, hostile):
    """Before anything is written."""
    value = RIGHT["part" if key.endswith("part") else "model name"] + hostile
    section, _, leaf = key.rpartition(".")
    content = {"name": "tiny", "model": MODEL} | ({section: {leaf: value}} if section else {leaf: value})
    with pytest.raises(ValidationError, match="must be"):
        Config.model_validate(content)


@pytest.mark.parametrize("key", ["hls.clock_period", "hls.clock_uncertainty", "rtl.clock_period", "budget.slack_ns", "budget.lut"])
@pytest.mark.parametrize("value", ["inf", "nan", "1; exec touch owned", "[exit]", float("inf"), float("nan")])
def test_a_number_of_a_configuration_is_one(key, value):
    section, leaf = key.split(".")
    with pytest.raises(ValidationError):
        Config.model_validate({"name": "tiny", "model": MODEL, section: {leaf: value}})


def test_parts_that_people_have_are_parts():
    for part in ("xcvu9p-flga2104-2L-e", "xc7vx690tffg1927-2", "xcku115-flvd1517-2-i", "xcvc1902-vsva2197-2MP-e-S", "xczu7ev-ffvc1156-2-e"):
        assert TypeAdapter(PartName).validate_python(part) == part
    assert TypeAdapter(ModelName).validate_python("axol1tl") == "axol1tl"


@pytest.mark.parametrize("place", ["title", "group", "unit", "axis"])
def test_a_layout_is_no_source(place):
    content = named_layout("calo_regions").model_dump(mode="json")
    group = content["groups"][0]
    owner = {"title": content, "group": group, "unit": group["features"][0], "axis": group["axes"][0]}[place]
    owner["title" if place in {"title", "group"} else "unit"] = 'x\nstatic int owned = system("touch owned");'
    with pytest.raises(ValidationError, match="one line of printable characters"):
        Layout.model_validate(content)


def _config(**sections):
    return Config.model_validate({"name": "tiny", "version": 3, "model": MODEL, **sections})


def test_writers_check_what_no_schema_has_seen():
    """Values that were made without a schema: a part, a project, a layer, a title, the name of a working point."""
    contract, events = tiny_contract(), tiny_events(5)
    hls = _config().hls
    with pytest.raises(UserError, match=r"^part 'x; exec touch owned'"):
        convert(contract, hls.model_copy(update={"part": "x; exec touch owned"}), events)
    with pytest.raises(UserError, match=r"^project "):
        convert(replace(contract, project="tiny; touch owned_v3"), hls, events)
    project = convert(contract, hls, events)
    source = Source(contract, _config(), events, hls=project.files)
    bad = source.config.model_copy(update={"hls": hls.model_copy(update={"part": "[exec touch owned]"})})
    with pytest.raises(UserError, match=r"^part "):
        TARGETS["vivado"].files(replace(source, config=bad))
    with pytest.raises(UserError, match=r"^project "):
        _ = replace(source, contract=replace(contract, project="tiny\n_v3")).provenance
    layout = contract.layout.model_copy(update={"title": "x\nint owned;"})
    with pytest.raises(UserError, match=r"^text "):
        CMSSW.files(replace(source, contract=Contract(contract.project, contract.operations, layout)))
    with pytest.raises(UserError, match=r"^text "):
        model_package(source, values_of(source, (WorkingPoint(0, "1kHz\n); owned <= '1'; --", 3),)))


def test_the_function_of_a_table_is_no_source():
    """A description says in words what a table holds, and the header of the emulator repeats it in a comment."""
    from l1ae.config._description import TableDescription

    table = {"name": "t", "kind": "table", "input": "inputs", "codes": "c", "result": "ufixed<4,4>", "function": "x\nint owned;"}
    with pytest.raises(ValidationError, match="one line of printable characters"):
        TableDescription.model_validate(table)


def test_constants_are_quoted_in_the_settings():
    contract, events = tiny_contract(), tiny_events(5)
    source = Source(contract, _config(), events, hls=convert(contract, _config().hls, events).files)
    settings = TARGETS["vivado"].files(source)["settings.tcl"]
    lines = set(settings.decode().splitlines())
    assert {"set project {tiny_v3}", "set backend {Vitis}", "set hls_part {xcvu9p-flga2104-2L-e}"} <= lines
