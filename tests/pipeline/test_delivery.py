"""Deliveries of a small trained run, their check, and the comparison of everything with the contract."""

import json
import re
import shutil
from dataclasses import replace

import pytest

from l1ae.config import Config
from l1ae.contract import Contract
from l1ae.delivery import TARGETS
from l1ae.errors import CheckFailedError, UserError
from l1ae.manifest import digest_file
from l1ae.pipeline import Run, csim_stage, deliver_stage, hls_stage, train_stage, trigger_stage, verify_deliveries, verify_stage
from l1ae.pipeline.rtl import rtl_stage

pytestmark = pytest.mark.slow

EVENTS = 2500
MODEL = {"architecture": "dense_vae", "score": "mu2", "encoder": [2], "latent": 1, "decoder": [2], "target_fpr": 0.05}


@pytest.fixture(scope="module")
def run(make_config, source, tmp_path_factory):
    """A run with every stage and every delivery; the background serves as zero bias. Tests must leave it as it is."""
    trigger = {"zero_bias": str(source / "background.h5"), "rates": [300.0, 3000.0], "bunches": 900}
    config = make_config(model=MODEL, trigger=trigger, rtl={"events": 300, "vhdl_events": 20})
    run = train_stage(config, tmp_path_factory.mktemp("runs") / "run")
    hls_stage(run)
    csim_stage(run, events=300)
    rtl_stage(run)
    trigger_stage(run)
    for target in TARGETS:
        assert not deliver_stage(run, target).failed
    return run


@pytest.fixture
def copy(run, tmp_path):
    """The same, to be broken."""
    shutil.copytree(run.folder, tmp_path / "copy")
    return Run.open(tmp_path / "copy")


def spoil(path, pattern, replacement):
    text = path.read_text()
    changed = re.sub(pattern, replacement, text, count=1)
    assert changed != text
    path.write_text(changed)


def seal(run, place):
    """As if the stage had left the file so."""
    stage, _, name = place.partition("/")
    record = run.manifest.stages[stage]
    run.manifest.with_stage(stage, replace(record, outputs={**record.outputs, name: digest_file(run.folder / place)})).save(run.folder)


def test_deliveries_are_right_wherever_they_lie(run, tmp_path):
    shutil.copytree(run.path("delivery"), tmp_path / "elsewhere")
    found = verify_deliveries(tmp_path / "elsewhere")
    assert {delivery.target for delivery in found} == set(TARGETS)
    assert not [check for delivery in found for check in delivery.failed]
    digest = Contract.load(run.path("contract") / "contract.json").digest
    assert {delivery.provenance.digest for delivery in found} == {digest}
    assert verify_deliveries(tmp_path / "elsewhere" / "ugt")[0].target == "ugt"


def test_a_delivery_knows_the_working_points(run):
    points = json.loads((run.path("trigger") / "working_points.json").read_text())["working_points"]
    vectors = json.loads((run.path("delivery/ugt") / "vectors" / "vectors.json").read_text())
    assert [entry["threshold"] for entry in vectors["algorithms"]] == [point["threshold"] for point in points]


def test_other_working_points_make_deliveries_old(copy, caplog):
    content = copy.config.model_dump(mode="json")
    content["trigger"]["rates"] = [700.0]
    trigger_stage(Run(copy.folder, copy.config))
    assert "other working points" not in caplog.text
    trigger_stage(Run(copy.folder, Config.model_validate(content)))
    assert (
        "made with other working points: delivery/cmssw, delivery/ugt, delivery/emp, delivery/vivado; deliver again: `l1ae" in caplog.text
    )


def test_the_clock_that_is_delivered_is_that_of_the_rtl(copy):
    constraints = copy.path("delivery/vivado") / "constraints" / "rtl.xdc"
    before = constraints.read_text()
    assert "set period 5.0\n" in before
    content = copy.config.model_dump(mode="json")
    content["rtl"]["clock_period"] = 2.77
    with pytest.raises(UserError, match=r"made with other settings .*rtl.clock_period 5, now 2.77\)"):
        deliver_stage(Run(copy.folder, Config.model_validate(content)), "vivado")
    assert constraints.read_text() == before


def test_everything_agrees_on_zero_bias(run):
    found = verify_stage(run, EVENTS)
    assert found.passed
    assert found.missing == ()
    assert [(row.events, row.differing) for row in found.rows] == [(EVENTS, 0), (EVENTS, 0), (20, 0), (EVENTS, 0), (EVENTS, 0)]
    content = json.loads((run.path("verification") / "report.json").read_text())
    assert (content["passed"], content["zero_bias"]["events"]) == (True, EVENTS)
    assert [row["name"] for row in content["rows"]] == [row.name for row in found.rows]


def test_a_wrong_weight_in_the_project_is_found(copy):
    header = sorted(copy.path("hls").glob("firmware/weights/w*.h"))[0]
    spoil(header, r"\{-?\d+\.\d+", "{0.9921875")
    with pytest.raises(CheckFailedError, match=r"C simulation of the HLS project: \d+ of 2500 crossings differ; layer 'enc0'"):
        verify_stage(copy, EVENTS)
    content = json.loads((copy.path("verification") / "report.json").read_text())
    assert [row["differing"] > 0 for row in content["rows"]] == [True, False, False, False, False]
    assert "verification" not in copy.manifest.stages


def test_a_wrong_threshold_in_the_rtl_is_found(copy):
    spoil(copy.path("rtl") / "verilog" / "tiny_v1.v", r"DEFAULT_THRESHOLD\(18'd\d+\)", "DEFAULT_THRESHOLD(18'd3)")
    with pytest.raises(CheckFailedError, match="RTL simulation"):
        verify_stage(copy, EVENTS)


@pytest.mark.parametrize("there", [True, False])
def test_changed_vhdl_is_found_with_and_without_its_simulator(copy, monkeypatch, there):
    """A comment changes no bit, and is not what `l1ae rtl` left."""

    def absent():
        raise UserError("there is no GHDL")

    if not there:
        monkeypatch.setattr("l1ae.pipeline._verify_stage.ghdl", absent)
        assert "RTL simulation (VHDL): there is no GHDL; its files are as `l1ae rtl` left them" in verify_stage(copy, 100).missing
    spoil(copy.path("rtl") / "vhdl" / "tiny_v1.vhd", r"\A", "-- mine\n")
    with pytest.raises(CheckFailedError, match=r"RTL simulation \(VHDL\): 1 of .*; not as `l1ae rtl` left it: vhdl/tiny_v1.vhd"):
        verify_stage(copy, 100)


def test_an_emulator_of_another_version_is_refused(copy):
    contract = Contract.load(copy.path("contract") / "contract.json")
    contract.with_threshold(contract.threshold + 1).save(copy.path("contract") / "contract.json")
    seal(copy, "contract/contract.json")
    for stage in ("hls", "rtl", "delivery/ugt"):
        shutil.rmtree(copy.path(stage))
    with pytest.raises(UserError, match=r"is of contract \w+, and contract \w+ was asked for; run `l1ae deliver"):
        verify_stage(copy, EVENTS)


def test_a_library_that_is_not_as_it_was_delivered_is_not_loaded(copy):
    """Loading executes it: this one would, before it says whose it is."""
    library = copy.path("delivery/cmssw") / "tiny_v1" / "tiny_v1.so"
    library.write_bytes(library.read_bytes() + b"\0")
    for stage in ("hls", "rtl", "delivery/ugt"):
        shutil.rmtree(copy.path(stage))
    with pytest.raises(UserError, match=r"tiny_v1\.so.*l1ae deliver"):
        verify_stage(copy, 10)


def test_what_was_not_made_is_told(copy):
    for stage in ("rtl", "delivery"):
        shutil.rmtree(copy.path(stage))
    found = verify_stage(copy, 100)
    assert [row.name for row in found.rows] == ["C simulation of the HLS project"]
    assert len(found.missing) == 4
    assert "rtl" in found.missing[0]
    shutil.rmtree(copy.path("hls"))
    with pytest.raises(CheckFailedError, match="nothing to compare"):
        verify_stage(copy, 100)


def test_more_crossings_than_there_are(run):
    with pytest.raises(UserError, match="holds 3000 crossings, fewer than the 4000 asked for"):
        verify_stage(run, 4000)


def test_stages_that_a_target_needs(copy):
    shutil.rmtree(copy.path("hls"))
    with pytest.raises(UserError, match="run `l1ae hls"):
        deliver_stage(copy, "cmssw")
    with pytest.raises(UserError, match="unknown target 'gmt'; targets are cmssw"):
        deliver_stage(copy, "gmt")


@pytest.mark.parametrize("stage", ["hls", "rtl", "trigger"])
def test_results_of_another_contract_are_not_delivered(copy, stage):
    contract = Contract.load(copy.path("contract") / "contract.json")
    other = contract.with_threshold(contract.threshold + 1)
    content = {"hls": "hls/l1ae_contract.json", "rtl": "rtl/design.json", "trigger": "trigger/working_points.json"}[stage]
    path = copy.folder / content
    path.write_text(other.to_json() if stage == "hls" else path.read_text().replace(contract.digest, other.digest))
    seal(copy, content)
    if stage == "hls":
        csim = copy.manifest.stages["csim"]
        copy.manifest.with_stage("csim", replace(csim, inputs={**csim.inputs, content: digest_file(path)})).save(copy.folder)
    with pytest.raises(UserError, match=rf"of another contract; run `l1ae {stage}"):
        deliver_stage(copy, "ugt")


def test_damaged_results_are_named(copy):
    points = copy.path("trigger") / "working_points.json"
    kept = points.read_text()
    points.write_text(kept.replace('"threshold"', '"limit"'))
    seal(copy, "trigger/working_points.json")
    for use in (lambda: deliver_stage(copy, "ugt"), lambda: verify_stage(copy, 10)):
        with pytest.raises(UserError, match=r"working_points\.json: working_points\.0\.threshold: Field required"):
            use()
    points.write_text(kept)
    (copy.folder / "manifest.json").unlink()
    with pytest.raises(UserError, match=r"the run's manifest knows nothing of '.*contract'; make it with `l1ae train "):
        deliver_stage(copy, "ugt")


def test_a_delivery_that_fails_its_checks_leaves_the_previous_one(copy, monkeypatch):
    before = (copy.path("delivery/ugt") / "delivery.json").read_bytes()
    spoiled = TARGETS["ugt"].files

    def files(source):
        made = spoiled(source)
        name = next(name for name in made if name.endswith("_score.txt"))
        return made | {name: made[name].replace(b"\n0001 0", b"\n0001 1", 1)}

    monkeypatch.setitem(TARGETS.own, "ugt", replace(TARGETS["ugt"], files=files))
    with pytest.raises(CheckFailedError, match="ugt: test vectors"):
        deliver_stage(copy, "ugt")
    assert (copy.path("delivery/ugt") / "delivery.json").read_bytes() == before


def test_a_zero_bias_store_of_other_inputs_is_refused(run, make_config):
    content = run.config.model_dump(mode="json")
    content["trigger"]["zero_bias"] = "nowhere.h5"
    with pytest.raises(UserError, match=r"nowhere\.h5"):
        verify_stage(Run(run.folder, Config.model_validate(content)), 10)


@pytest.mark.parametrize(
    ("place", "pattern", "replacement", "target", "command"),
    [
        ("hls/firmware/weights/w3.h", r"\{-?\d+\.\d+", "{0.9921875", "vivado", "l1ae hls"),
        ("hls/firmware/weights/w3.h", r"\{-?\d+\.\d+", "{0.9921875", "cmssw", "l1ae hls"),
        ("rtl/verilog/tiny_v1.v", r"DEFAULT_THRESHOLD\(18'd\d+\)", "DEFAULT_THRESHOLD(18'd3)", "emp", "l1ae rtl"),
        ("csim/report.json", r'"events": \d+', '"events": 999999', "cmssw", "l1ae csim"),
        ("trigger/working_points.json", r'"threshold": \d+', '"threshold": 1', "ugt", "l1ae trigger"),
        ("contract/contract.json", r'"threshold": ?\d+', '"threshold": 1', "ugt", "l1ae train"),
    ],
)
def test_nothing_is_delivered_of_what_changed_after_its_simulation(copy, place, pattern, replacement, target, command):
    spoil(copy.folder / place, pattern, replacement)
    before = sorted(copy.path(f"delivery/{target}").rglob("*"))
    with pytest.raises(UserError, match=f"{place}' is not as it was left, by its sha256 .*{command}"):
        deliver_stage(copy, target)
    assert sorted(copy.path(f"delivery/{target}").rglob("*")) == before


def test_an_hls_project_without_its_simulation_is_not_delivered(copy):
    hls_stage(copy, backend="Vivado")
    with pytest.raises(UserError, match="the C simulation was of another HLS project"):
        deliver_stage(copy, "vivado")
    # what is not made of it is
    assert not deliver_stage(copy, "emp").failed
    csim_stage(copy, events=300)
    assert not deliver_stage(copy, "vivado").failed
    assert "set backend {Vivado}" in (copy.path("delivery/vivado") / "settings.tcl").read_text()
    copy.forget("csim")
    with pytest.raises(UserError, match=r"has not passed its C simulation, .*; run `l1ae csim"):
        deliver_stage(copy, "vivado")
