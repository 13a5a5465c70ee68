"""The section on the latent space: numbers of latent.json as they stand, nothing without it."""

from dataclasses import replace

import pytest

from l1ae.errors import UserError
from l1ae.latent import save_latent
from l1ae.report import write_report

from ..records.examples import latent
from .pages import words


def _text(page):
    return words(page.read_text())


def test_the_section_shows_what_was_measured(full_run):
    assert "Latent space" not in _text(write_report(full_run))
    (full_run / "latent").mkdir()
    result = latent()
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
    result = latent()
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
