"""The section on the latent space: numbers of latent.json as they stand, nothing without it."""

import re
from dataclasses import replace

import numpy as np
import pytest

from l1ae.errors import UserError
from l1ae.evaluation import Estimate
from l1ae.inputs import FixedFormat, named_layout
from l1ae.latent import LatentResult, Resolution, SelectedHunt, bump_hunt, compression, measure_drift, save_latent
from l1ae.report import write_report


def _result() -> LatentResult:
    rng = np.random.default_rng(1)
    values = rng.standard_normal((200, 2))
    drift = measure_drift(values[:100], values[100:] + 3, np.arange(100), np.arange(100), labels=("background", "late"), permutations=99)
    hunt = bump_hunt(np.exp(rng.normal(4, 0.5, 800)), pseudo_experiments=20)
    value = Estimate(-1.25, -1.5, -1.0)
    row = Resolution("met_pt", "GeV", None, None, 4321, value, value, value, 7.5)
    return LatentResult(
        project="dnn_ae_v3",
        contract="c0ffee",
        tensors={"latent_q": "fixed<10,5>"},
        events=5000,
        seed=1,
        codes=(),
        compression=compression(named_layout("ugt"), {"latent_q": (FixedFormat.parse("fixed<10,5>"), 3)}),
        resolution=(row, replace(row, energy_low=20.0, entries=99)),
        emptiness=(),
        generation=None,
        drift=(drift,),
        hunts=(SelectedHunt("dijet", 0.9, 12.5, 800, 0, hunt),),
        injected={},
        skipped={"generation": "the model is not variational"},
    )


def _text(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.read_text()))


def test_the_section_shows_what_was_measured(full_run):
    assert "Latent space" not in _text(write_report(full_run))
    (full_run / "latent").mkdir()
    result = _result()
    save_latent(full_run / "latent" / "latent.json", result)
    (full_run / "latent" / "bump_90.svg").write_text("<svg/>")
    text = _text(write_report(full_run))
    assert "502 bits" in text
    assert "16.7 to 1" in text
    assert "−1.25 ± 0.25" in text
    assert "4,321" in text
    assert " 99 " not in text
    assert "7.5 GeV" in text
    assert "generation: left out, the model is not variational." in text
    assert "Background against late" in text
    assert "0.01" in text
    window = result.hunts[0].hunt.window
    assert f"{window.low:.1f} to {window.high:.1f} GeV" in text
    assert "Spectrum of events above the 90% quantile" in text


def test_masses_of_own_groups_are_named_and_slots_that_are_never_empty_have_no_table(full_run):
    (full_run / "latent").mkdir()
    result = _result()
    hunt = replace(result.hunts[0], mass="cluster+track:3")
    save_latent(full_run / "latent" / "latent.json", replace(result, hunts=(hunt,)))
    text = _text(write_report(full_run))
    assert "Bump hunt in the mass of the 3 leading cluster/track, background events" in text
    assert "Slots decoded as what they were" not in text


def test_damaged_numbers_are_refused(full_run):
    (full_run / "latent").mkdir()
    (full_run / "latent" / "latent.json").write_text('{"project": 5}')
    with pytest.raises(UserError, match=r"latent\.json' is no latent study of this version"):
        write_report(full_run)
