"""The study of the public record, repeated on tiny files in its layout, and its protocol against closed forms."""

import math

import numpy as np
import pytest
import record
from record_study import PUBLISHED, PUBLISHED_MEANS, SHORT, Protocol, Scores, in_order

from l1ae.inputs import named_layout

from ..data.record.published import interleaved, make_events, write_mirror, write_tree

SIGNALS = ("GluGluHTo2B_Par-MH-125", "my-own-signal", "smj-case-A")
NEUTRINO = "SingleNeutrino_E-10-gun"
MOST = 50
# one bunch crosses at 11.2456 kHz, so that 0.25 kHz are 2.2 % of few events
FPR = 0.25 / 11.2456
TINY = """
name: tiny
version: 1
inputs: {layout: cms_l1_record}
model: {architecture: dense_ae, encoder: [4], latent: 2, decoder: [4], score: squared_error, score_type: "ufixed<20,14,TRN,SAT>"}
training: {batch_size: 64, float_phase: {epochs: 1}, quantized_phase: {epochs: 1}}
"""


def _write_all(folder):
    """Three signals, two runs of zero bias and simulated background; the events by what they are and split."""
    events = {}
    for split, count, seed in (("train", 150, 1), ("valid", 200, 2), ("test", 100, 3)):
        runs = [make_events(count, seed=seed + 10 * k, run=run, split=split) for k, run in enumerate((396102, 398183))]
        interleaved(*runs, seed=seed)
        for run, part in zip(("ZB_run396102", "ZB_run398183"), runs, strict=True):
            write_tree(folder / "zerobias" / run / split, part)
        events["zerobias", split] = [event for part in runs for event in part]
    for k, name in enumerate((*SIGNALS, NEUTRINO)):
        for split, count in (("valid", 20), ("test", 80)):
            events[name, split] = make_events(count, seed=50 + k + len(split), split=split, simulated=True)
            write_tree(folder / ("background" if name == NEUTRINO else "signal") / name / split, events[name, split])
    return events


def _leading_jet(events):
    """Largest energy of the jets that are not saturated."""
    return [max((pt for pt in event["jets"]["jetIEt"] if pt < 2047), default=0) for event in events]


def _cells(text, title, table=0):
    """Cells of the line of a model, in one of the tables that have it."""
    lines = [line for line in text.splitlines() if line.startswith(f"| {title} |")]
    return lines[table].strip("| ").split(" | ")[1:]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Files, and the page of a whole run of the script."""
    folder = tmp_path_factory.mktemp("record")
    events = _write_all(folder / "files")
    (folder / "tiny.yaml").write_text(TINY)
    arguments = [str(folder / "files"), "--work", str(folder / "work"), "--models", str(folder / "tiny.yaml")]
    arguments += ["--most", str(MOST), "--set", "trigger.bunches=1"]
    assert record.main(arguments) == 0
    return folder, events, (folder / "work" / "record.md").read_text()


@pytest.mark.slow
def test_the_page_has_every_score_and_the_published_ones(made):
    *_, text = made
    for name in ("`tiny`, float", "`tiny`, fixed", "Isolation forest", "Density tree"):
        assert len(_cells(text, name)) == 9
    for row in PUBLISHED:
        mean, median = _cells(text, f"*published, float:* {row.model}")[:2]
        assert (mean, median) == (f"{np.mean(row.values):.2f}", f"{np.median(row.values):.2f}")
        smj = dict(zip(SHORT, reversed(row.values), strict=True))["smj-case-A"]
        assert _cells(text, f"*published, float:* {row.model}", 1)[1:] == [f"{smj:.2f}", "–"]
    assert "| Model | H→bb | semi-visible jets | my-own-signal |" in text
    assert "400 crossings of validation, 200 of test; 3 signals" in text
    assert "order is inferred" in text


@pytest.mark.slow
def test_a_cut_is_judged_as_by_hand(made):
    _, events, text = made
    validation = sorted(_leading_jet(events["zerobias", "valid"]))
    threshold = validation[math.ceil(399 * (1 - FPR))]
    passed = {name: sum(pt >= threshold for pt in _leading_jet(events[name, "test"])[:MOST]) / MOST for name in (*SIGNALS, NEUTRINO)}
    efficiencies = [passed[name] for name in SIGNALS]
    cells = _cells(text, "Jets, leading pT")
    expected = (np.mean(efficiencies), np.median(efficiencies), min(efficiencies) - passed[NEUTRINO])
    assert cells[:3] == [f"{100 * value:.2f}".replace("-", "−") for value in expected]
    assert int(cells[3]) == sum(pt >= threshold for pt in validation)
    rate = np.mean([pt >= threshold for pt in _leading_jet(events["zerobias", "test"])]) * 11.2456
    assert float(cells[4].split()[0]) == pytest.approx(rate, abs=0.06)
    by_signal = [float(cell.split()[0]) for cell in _cells(text, "Jets, leading pT", 1)]
    assert by_signal == pytest.approx([100 * passed[name] for name in in_order(passed) if name != NEUTRINO], abs=0.6)


@pytest.mark.slow
def test_what_is_there_is_kept(made, monkeypatch):
    folder, *_ = made
    work = folder / "work"
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*") if path.parent.name in {"data", "simulated", "train"}}
    assert len(before) > 2 + len(SIGNALS)
    monkeypatch.setattr(record, "import_sources", None)
    stores = record.import_all(record.find_files(folder / "files"), work, named_layout("cms_l1_record"))
    assert (stores.signals, list(stores.simulated)) == (tuple(in_order(dict.fromkeys(SIGNALS))), [NEUTRINO])
    (config,) = record.configurations([str(folder / "tiny.yaml")], work / "data", ("trigger.bunches=1",))
    assert record.trained_scores(config, work / "tiny")[2] == ("float", "fixed")
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_data_sets_of_the_mirror_are_found(tmp_path):
    for name in ("ZB_run398183", "ZB_run396102", NEUTRINO, *SIGNALS):
        write_mirror(tmp_path / "data" / name, "test", make_events(1, seed=1))
    for folder in (tmp_path, tmp_path / "data"):
        files = record.find_files(folder)
        assert [path.name for path in files.zero_bias] == ["ZB_run396102", "ZB_run398183"]
        assert list(files.signals) == ["GluGluHTo2B_Par-MH-125", "smj-case-A", "my-own-signal"]
        assert list(files.simulated) == [NEUTRINO]
    assert list(record.chosen_signals(files, ["my-own-signal"]).signals) == ["my-own-signal"]
    assert record.chosen_signals(files, None) == files


@pytest.mark.slow
def test_mistakes_are_told(tmp_path, made, capsys):
    folder, *_ = made

    def message(*arguments):
        assert record.main([*map(str, arguments), "--work", str(tmp_path / "work")]) == 2
        return capsys.readouterr().err

    assert f"{tmp_path}: no zero bias there; give the folder in which train.tar" in message(tmp_path)
    write_mirror(tmp_path / "ZB_run396102", "train", make_events(3, seed=1))
    assert f"{tmp_path}: no signal there" in message(tmp_path)
    files = folder / "files"
    assert "--signals tth: no such signal; there are GluGluHTo2B_Par-MH-125, smj-case-A, my-own-signal" in message(
        files, "--signals", "tth"
    )
    assert "--models best: neither a file nor one of record_ae, record_study_ae" in message(files, "--models", "best")
    assert "have the same name" in message(files, "--models", "record_ae", "record_ae")
    assert not (tmp_path / "work").exists()
    assert record.main([str(files), "--work", str(folder / "work"), "--layout", "ugt_full", "--models", "record_ae"]) == 2
    assert "has another layout than 'ugt_full'; remove it" in capsys.readouterr().err


def test_the_variants_are_configurations():
    for name in record.VARIANTS:
        config = record.model_config(name, ("data.split=recorded",))
        assert (config.name, config.inputs.layout.name) == (name, "cms_l1_record")


# -- protocol ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 100, 101, 5000])
@pytest.mark.parametrize("khz", [0.25, 1.0, 250.0])
def test_the_threshold_is_numpys_higher_quantile(count, khz):
    scores = np.random.default_rng(7).normal(size=count)
    protocol = Protocol(1000.0, khz)
    assert protocol.threshold(scores) == np.quantile(scores, 1 - khz / 1000, method="higher")


def test_the_threshold_of_the_records_size():
    # 0.25 of 28608.8064 kHz of 4,177,520 events: number ceil(4177519 (1 - 8.7386e-6)) from 0, so that 37 are at or above it
    count = 4_177_520
    protocol = Protocol(2544 * 11.2456)
    assert protocol.fpr == pytest.approx(8.7386e-6, rel=1e-5)
    assert protocol.threshold(np.arange(count, dtype=float)) == count - 37


def test_summary_of_known_scores():
    protocol = Protocol(1000.0, 100.0, most=10)
    # of 0 ... 100 the threshold is 90; beyond the tenth event nothing counts
    signals = {f"s{k}": np.array([95.0] * k + [90.0] + [0.0] * (9 - k) + [99.0] * 40) for k in range(5)}
    neutrino = np.array([100.0, *[1.0] * 9, 100.0])
    found = protocol.judge(Scores(np.arange(101.0), np.arange(0.0, 200.0), signals, {"n": neutrino}))
    assert (found.threshold, found.accepting, found.events) == (90.0, 11, (101, 200))
    assert found.reached.value == pytest.approx(1000 * 110 / 200)
    assert [estimate.value for estimate in found.efficiency.values()] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert (found.mean, found.median) == pytest.approx((0.3, 0.3))
    # the worst ceil(5 / 4) = 2 signals, less one neutrino of ten
    assert found.cvar25 == pytest.approx((0.1 + 0.2) / 2 - 0.1)
    assert found.label_free.events == (200, 10)
    alone = protocol.judge(Scores(np.arange(101.0), np.arange(0.0, 200.0), signals, {}))
    assert (alone.cvar25, alone.simulated, alone.label_free) == (None, None, None)


def test_published_rows_have_the_published_means():
    columns = ("chosen by signals", "chosen by CAP", "stable", "chosen by W1")
    for row in PUBLISHED:
        model, _, choice = row.model.partition(", ")
        assert np.mean(row.values) == pytest.approx(PUBLISHED_MEANS[model][columns.index(choice)], abs=0.0051)
    assert list(SHORT) == sorted(SHORT)
