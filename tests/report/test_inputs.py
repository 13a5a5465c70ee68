"""What an event is, in words and as a table, for layouts of every kind."""

import pytest
import yaml

from l1ae.config import Config
from l1ae.inputs import Layout, layout_names, named_layout
from l1ae.report import write_report
from l1ae.report._inputs import added_text, event_text, inputs_caption, inputs_table

INVENTED = {
    "name": "invented",
    "groups": [
        {
            "name": "mip",
            "title": "MIP hits",
            "slots": 3,
            "features": [{"name": "e", "role": "energy", "bits": 8, "unit": "MeV", "origin": 2}],
        },
        {"name": "bias", "title": "Bias voltages", "kind": "vector", "slots": 4, "features": [{"name": "adc", "bits": 6}]},
    ],
}


def config(inputs, **model):
    model = {"architecture": "dense_ae", "score": "squared_error", "latent": 2, **model}
    return Config.model_validate({"name": "x", "inputs": inputs, "model": model})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "ugt",
            "missing energy (pt, phi), up to 4 electrons and photons (pt, eta, phi each), up to 4 muons (pt, eta, phi each) and up to 10",
        ),
        ("p2gt", "up to 4 track-matched muons (valid, pt, phi, eta, z0, quality, charge each)"),
        ("calo_regions", "It holds an image of 18 × 14 calorimeter regions in phi and eta (et)."),
        ("samples", "32 ADC samples of one cell. It holds 32 samples in the order of time (adc)."),
    ],
)
def test_an_event_in_words(name, expected):
    assert expected in event_text(named_layout(name))


def test_a_layout_without_titles_is_told_by_its_names():
    text = event_text(Layout.model_validate(INVENTED))
    assert "hardware: invented. It holds up to 3 MIP hits (e each) and 4 bias voltages (adc)." in text


def test_added_columns_in_words_and_as_rows():
    add = {"n_jet": {"kind": "multiplicity", "group": "jet", "threshold": 60}, "dphi": {"kind": "delta_phi", "slots": ["eg[0]", "met"]}}
    found = config({"add": add})
    text = added_text(found.inputs)
    assert text == "The firmware computes of these, as further inputs of the network: dphi (distance in phi), n_jet (number of objects). "
    assert added_text(config({}).inputs) == ""
    rows = {row[:2]: row[2:] for row in inputs_table(found).rows}
    assert rows["dphi", "dphi"] == ("rad", "1", "0.0436332", "0 … 72", "0", "6")
    assert rows["n_jet", "n_jet"] == ("–", "1", "1", "0 … 10", "0", "3")


@pytest.mark.parametrize("name", layout_names())
def test_only_an_image_is_called_one(name):
    layout = named_layout(name)
    for text in (event_text(layout), inputs_caption(layout)):
        assert ("image" in text) is (layout.groups[0].kind == "image")


def test_the_table_has_scale_and_preprocessing_of_every_feature():
    rows = {row[:2]: row[2:] for row in inputs_table(config({"layout": "ugt"})).rows}
    assert rows["Missing energy", "phi"] == ("rad", "1", "0.0436332", "0 … 143 (cyclic)", "72", "6")
    assert rows["Jets", "pt"] == ("GeV", "10", "0.5", "0 … 2,047", "0", "6, 5, 4 × 8")
    assert rows["Muons", "pt"] == ("GeV", "4", "0.5", "1 … 511 (zero at 1)", "0", "5, 2, 0 × 2")
    assert rows["Electrons and photons", "eta"] == ("–", "4", "0.0435", "−128 … 127", "0", "6, 4 × 3")
    assert ("Missing energy", "eta") not in rows  # the hardware has none


def test_many_different_slots_become_a_range():
    shift = [[k % 7] for k in range(32)]
    (row,) = inputs_table(config({"layout": "samples", "groups": {"sample": {"offset": -3, "shift": shift}}})).rows
    assert row == ("Samples", "adc", "ADC counts", "32", "1", "0 … 4,095", "−3", "0 … 6")


def test_what_training_will_find_is_left_open():
    rows = inputs_table(config({"layout": INVENTED})).rows
    assert [row[-2:] for row in rows] == [("–", "–")] * 2
    assert rows[0][:6] == ("MIP hits", "e", "MeV", "3", "1", "0 … 255 (zero at 2)")


@pytest.mark.parametrize("name", ["gelato", "calo_regions", "samples"])
def test_the_report_of_any_layout_can_be_written_before_it_was_trained(name, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    model = {"architecture": "dense_ae", "score": "squared_error"}
    (run / "config.yaml").write_text(yaml.safe_dump({"name": "x", "inputs": {"layout": name}, "model": model}))
    text = write_report(run).read_text()
    assert named_layout(name).title in text
    assert f"{named_layout(name).size}, type " in text
    assert f"dense autoencoder {named_layout(name).size}-32" in text
