import base64
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from l1ae.agreement import TypeMismatch
from l1ae.errors import UserError
from l1ae.evaluation import load_metrics
from l1ae.manifest import Manifest
from l1ae.report import write_report

from ..records.examples import contract, csim, csynth_row, hls, resources
from .pages import Page

Write = Callable[[str, Any], Path]


def report(run: Path) -> Page:
    path = write_report(run)
    assert path == run / "report.html"
    return Page(path)


def test_needs_no_other_file_and_no_network(full_run: Path) -> None:
    page = report(full_run)
    for tag, name, value in page.attributes:
        assert tag not in {"link", "iframe", "object"}
        if name in {"src", "href"}:
            assert tag != "script"
            assert value.startswith(("data:image/svg+xml;base64,", "#")), value
    assert not re.search(r"https?://|url\(|@import", page.source)
    assert not re.search(r"/tmp|/home|/root", page.text)


def test_links_lead_to_sections(full_run: Path) -> None:
    page = report(full_run)
    targets = {value[1:] for tag, name, value in page.attributes if (tag, name) == ("a", "href")}
    anchors = [value for _, name, value in page.attributes if name == "id"]
    assert targets == {
        "summary",
        "data",
        "model",
        "physics",
        "baselines",
        "trigger",
        "contract",
        "hls",
        "resources",
        "rtl",
        "verification",
        "provenance",
        "glossary",
    }
    assert targets <= set(anchors)
    assert len(anchors) == len(set(anchors))


def test_pictures_are_whole_and_described(full_run: Path, drawn: None) -> None:
    page = report(full_run)
    pictures = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    assert len(pictures) == 5  # history, roc, scores, two differences
    for picture in pictures:
        ElementTree.fromstring(base64.b64decode(picture.partition(",")[2]))
    assert all(value for tag, name, value in page.attributes if (tag, name) == ("img", "alt"))


def test_every_number_of_the_run_is_there(full_run: Path) -> None:
    text = report(full_run).text
    metrics = load_metrics(full_run / "evaluation" / "metrics.json")
    expected = [
        *("dnn_ae_v3", "57-32-16-3-16-32-57", "training, validation and test as recorded", "4,000", "2,000"),
        *("0.71828", "3 min 12 s", "4,941", "4,777"),
        *(str(estimates["a4l"]) for estimates in metrics.auc.values()),
        str(metrics.comparisons["fixed"].auc["a4l"]),
        "50 replicas",
        f"{metrics.comparisons['fixed'].scores['a4l'].flips} of 700",
        *("fixed<20,9>", "ufixed<18,14,TRN,SAT>", "−101.25 … 99.5", "−20.5 … 31.75", "0 … 16383.9375", "float32"),
        *("1,537 LSB = 96.0625", "0.00391", "1,024", contract().digest, hls().digest),
        *("xcvu9p-flga2104-2L-e", "5 ns", "12.5 %", "4,645", "57 files", "g++ 13.3.0", "41 s", "1 min 16 s"),
        *("12.25", "0.875", "7 of 20,000", "683 corner vectors"),
        *("2026-03-01T10:03:00+00:00", "1 min 2 s", "v0.1.0-5-gabc", "2.4.6"),
    ]
    for number in expected:
        assert number in text, number


def test_a_rate_that_cannot_be_measured_is_said(full_run: Path) -> None:
    text = report(full_run).text
    assert "True-positive rate at FPR 10⁻⁵: not measurable with 4,000 background events, needs at least 100,000." in text
    assert "not measurable" in text
    assert text.count("True-positive rate at FPR 10⁻⁵: not measurable") == 1


def test_a_passed_simulation_is_green(full_run: Path) -> None:
    page = report(full_run)
    assert page.text.count("C simulation: 0 mismatches in 20000 events") == 1
    assert page.notices("good") == 2  # the verdict and the bounds
    assert page.notices("bad") == 0


def test_a_failed_simulation_is_red_and_names_the_place(full_run: Path, write: Write) -> None:
    write("csim/report.json", csim(mismatches=12))
    page = report(full_run)
    assert "C simulation: 12 mismatches in 20000 events" in page.text
    assert "layer encoder_0, event 4711, element 5: contract 1.5, C simulation 1.25" in page.text
    assert page.notices("bad") == 1


def test_a_wrong_type_is_red_although_no_value_differs(full_run: Path, write: Write) -> None:
    mismatch = TypeMismatch("encoder_0", "accumulator", "fixed<20,9>", "fixed<19,9>")
    write("csim/report.json", replace(csim(), type_mismatches=(mismatch,)))
    page = report(full_run)
    assert "project fixed<19,9>" in page.text
    assert page.notices("bad") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"high": 512.0}, "encoder_0: the proven range exceeds fixed<20,9>"),
        ({"accumulator": "fixed<12,6>"}, "exceeds the accumulator fixed<12,6>"),
        ({"observed_low": -101.5}, "encoder_0: observed values lie outside the proven range"),
    ],
)
def test_bounds_that_do_not_hold_are_red(full_run: Path, write: Write, change: dict[str, Any], message: str) -> None:
    summary = contract()
    first, *others = summary.tensors
    write("contract/summary.json", replace(summary, tensors=(replace(first, **change), *others)))
    page = report(full_run)
    assert message in page.text
    assert "no accumulator can wrap" not in page.text
    assert page.notices("bad") == 1


def test_unknown_resources_are_never_zero(full_run: Path) -> None:
    page = report(full_run)
    assert "Latency, II, slack, LUT, FF, DSP, BRAM and URAM of the HLS project are not known." in page.text
    assert "Latency, II, slack, LUT, FF, DSP, BRAM and URAM of the RTL are not known." in page.text
    assert "needs C synthesis by Vitis HLS: run “l1ae deliver --target vivado”, then “./run.sh hls” in the delivered folder" in page.text
    assert not re.search(r"(LUT|FF|DSP|BRAM|URAM) 0\b", page.text)


def test_the_remedy_names_the_tool_of_the_backend(full_run: Path, write: Write) -> None:
    write("hls/summary.json", replace(hls(), backend="Vivado"))
    assert "needs C synthesis by Vivado HLS: run “l1ae deliver" in report(full_run).text


def test_the_summary_says_who_knows_the_resources(full_run: Path, write: Write) -> None:
    write("resources.json", resources(csynth_row()))
    text = report(full_run).text
    assert "Latency and resources of the HLS project are known from csynth (Vitis HLS 2023.2); see below." in text
    assert "of the HLS project are not known" not in text


def test_missing_stages_are_said(empty_run: Path) -> None:
    page = report(empty_run)
    for sentence in (
        "is set up to train",
        "The training has not been run. Run “l1ae train”",
        "The evaluation has not been run. Run “l1ae evaluate”",
        "The contract has not been run. Run “l1ae train”",
        "The HLS conversion has not been run. Run “l1ae hls”",
        "The C simulation has not been run. Run “l1ae csim”",
        "The measurement of rates has not been run. Run “l1ae trigger”",
        "The verification has not been run. Run “l1ae verify”",
        "Latency and resources are not known",
        "This run folder has no manifest",
    ):
        assert sentence in page.text, sentence
    assert page.notices("good") == page.notices("bad") == 0
    assert "mismatches" not in page.text


@pytest.mark.parametrize(
    ("stage", "file", "digest"), [("train", "quantized.weights.h5", "99" * 32), ("data", "background.h5", None), ("contract", "", None)]
)
def test_a_stage_made_from_replaced_files_is_red(full_run: Path, write: Write, stage: str, file: str, digest: str | None) -> None:
    content = Manifest.load(full_run)
    if stage == "train":
        content.stages["train"].outputs[file] = digest
        write("manifest.json", content)
        assert report(full_run).text.count("contract was made from an older train/quantized.weights.h5; run this stage again") == 1
    elif stage == "contract":
        write("contract/summary.json", replace(contract(), digest="0" * 64))
        assert "csim was made from an older contract/contract.json; run this stage again" in report(full_run).text
    else:
        assert "made from an older" not in report(full_run).text


def test_a_variational_encoder_is_described(empty_run: Path, write: Write) -> None:
    write("config.yaml", "name: dnn_vae\nmodel: {architecture: dense_vae, score: kl}\n")
    text = report(empty_run).text
    assert "encoder of a dense variational autoencoder 57-32-16-3" in text
    assert "the Kullback-Leibler divergence of the latent distribution from a unit Gaussian" in text


def test_markup_in_the_run_is_text(full_run: Path, write: Write) -> None:
    write("csim/report.json", replace(csim(), compiler="<script>alert(1)</script>"))
    page = report(full_run)
    assert "<script>alert" not in page.source
    assert "<script>alert(1)</script>" in page.text


def test_same_run_same_bytes(full_run: Path) -> None:
    assert write_report(full_run).read_bytes() == write_report(full_run).read_bytes()


def test_a_failure_leaves_the_old_report(full_run: Path, write: Write) -> None:
    before = write_report(full_run).read_bytes()
    write("hls/summary.json", '{"project": ')
    with pytest.raises(UserError, match=r"summary.json' is damaged .*run its stage again"):
        write_report(full_run)
    assert (full_run / "report.html").read_bytes() == before
    assert not list(full_run.glob("*.tmp"))


LISTED_ROLE = """name: dnn_ae
model: {architecture: dense_ae, score: squared_error}
inputs: {layout: {name: one, groups: [{name: a, slots: 1, features: [{name: pt, role: [energy], bits: 9}]}]}}
"""


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("csim/report.json", "[1]", "it holds a list where a mapping is expected"),
        ("resources.json", "{", "resources.json' is damaged"),
        ("verification/report.json", "{", "verification/report.json' is damaged"),
        ("trigger/working_points.json", "{", "run `l1ae trigger` again"),
        ("train/history.csv", "phase,epoch,learning_rate,loss,validation_loss\nfloat,1,0.1,oops,2\n", "history.csv' is damaged"),
        ("train/history.csv", "phase,epoch\nfloat,1\n", "no column 'loss'"),
        ("evaluation/metrics.json", "{}", "run its stage again: `l1ae evaluate "),
        ("config.yaml", "name: dnn_ae\n", "config.yaml: model"),
        ("config.yaml", LISTED_ROLE, "config.yaml: inputs.layout.groups.0.features.0.role: Input should be"),
    ],
)
def test_damaged_files_are_named(full_run: Path, write: Write, name: str, content: str, message: str) -> None:
    write(name, content)
    with pytest.raises(UserError, match=re.escape(message)):
        write_report(full_run)


def test_a_folder_without_configuration_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is no run folder \(it has no config.yaml\)"):
        write_report(tmp_path)


def test_what_an_older_training_found_is_not_shown(full_run: Path, write: Write) -> None:
    known = Manifest.load(full_run)
    assert "was tested on 4,000 background events" in report(full_run).text
    record = replace(known.stages["csim"], inputs={"contract/contract.json": "0" * 64}, outputs={})
    write("manifest.json", replace(known, stages=known.stages | {"evaluation": record}))
    page = report(full_run)
    assert "was tested on" not in page.text
    assert "Not shown: evaluation was made from an older contract/contract.json; run this stage again." in page.text
    assert "How well it separates signals from background has not been measured" in page.text


def test_an_edited_result_is_refused_and_an_edited_source_is_told(full_run: Path) -> None:
    (full_run / "train" / "quantized.weights.h5").write_text("edited")
    assert "train: quantized.weights.h5 not as the stage left it; run this stage again" in report(full_run).text
    path = full_run / "csim" / "report.json"
    path.write_text(path.read_text().replace('"mismatches": 0', '"mismatches": 1', 1))
    with pytest.raises(UserError, match=r"csim/report.json' is not as it was left, by its sha256 .*; run `l1ae csim .*` again"):
        write_report(full_run)


def test_a_result_that_passes_without_being_known_is_told(empty_run: Path, write: Write) -> None:
    write("csim/report.json", csim())
    assert "csim says that it passed, and the manifest does not know of it" in report(empty_run).text


@pytest.mark.parametrize("name", ["train/history.csv", "evaluation/roc.svg"])
def test_bytes_that_are_no_text_and_edited_figures_are_refused(full_run: Path, write: Write, name: str) -> None:
    known = Manifest.load(full_run)
    record = replace(known.stages["csim"], inputs={}, outputs={})
    write("manifest.json", replace(known, stages=known.stages | {"evaluation": record}))
    for path in (path for path in (full_run / "evaluation").iterdir() if path.suffix != ".pdf"):
        write(f"evaluation/{path.name}", path.read_text())
    write("train/history.csv", (full_run / "train" / "history.csv").read_text())
    report(full_run)
    (full_run / name).write_bytes(b"\xff<script>")
    with pytest.raises(UserError, match=f"{name}' is not as it was left"):
        write_report(full_run)
