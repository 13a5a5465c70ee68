"""What is wrong with files and mapping files: every message names file, group, column and a remedy."""

import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
import yaml

from l1ae.data import EventStore, Request, describe_sources, import_sources
from l1ae.errors import UserError
from l1ae.inputs import Feature, Group, Layout, find_layout, named_layout

from .simple import expected, random_events

LAYOUT = Layout(
    name="mine",
    groups=(
        Group(
            name="jet",
            slots=2,
            sort="pt",
            features=(
                Feature(name="pt", role="energy", bits=8, lsb=0.5, unit="GeV", saturation=255),
                Feature(name="eta", role="eta", bits=6, signed=True, lsb=0.1),
                Feature(name="phi", role="phi", bits=6, lsb=0.09817477042468103, unit="rad", period=64),
            ),
        ),
        Group(
            name="met",
            kind="sums",
            features=(Feature(name="pt", role="energy", bits=8, lsb=0.5, unit="GeV"), Feature(name="eta", absent=True)),
        ),
    ),
)
ROWS = {"jet": np.ones((40, 2, 3)) * (8.0, 0.5, 1.0), "met": np.full(40, 3.0), "n": np.full(40, 2)}
GROUPS = {"jet": {"array": "jet"}, "met": {"pt": "met"}}


def write(folder: Path, columns: dict[str, Any] | None = None) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        for name, values in (ROWS | (columns or {})).items():
            if values is not None:
                file[name] = values
    return folder / "a.h5"


def message(folder: Path, path: Path, mapping: dict[str, Any] | str, **options: Any) -> str:
    """The error for a mapping of layout `LAYOUT`, without the folder's name; nothing is left behind."""
    content = (
        mapping if isinstance(mapping, str) else yaml.safe_dump({"layout": LAYOUT.model_dump(mode="json", exclude_none=True)} | mapping)
    )
    (folder / "map.yaml").write_text(content)
    with pytest.raises(UserError) as error:
        import_sources(Request((path,), mapping=folder / "map.yaml", **options), folder / "out.h5")
    assert not [item for item in folder.iterdir() if item.name.startswith("out.h5")]
    return str(error.value).replace(f"{folder}/", "")


WITHOUT = "files without it need a mapping file that does not have '{}' under extra"
JET = {"pt": "jet[:, 0]", "eta": "jet[:, 1]", "phi": "jet[:, 2]"}


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        ({"groups": {**GROUPS, "mu": "jet"}}, "map.yaml: groups: the layout 'mine' has no group 'mu'; its groups are jet, met"),
        (
            {"values": "physical", "groups": {**GROUPS, "jet": {**JET, "phi": "jet[:, 1]"}}},
            "map.yaml: group 'jet', feature 'phi': column 'jet[1]' is there twice, also for group 'jet', feature 'eta'; a column is one "
            "feature",
        ),
        (
            {"values": "physical", "groups": {**GROUPS, "met": {"pt": "mett"}}},
            "map.yaml: group 'met', feature 'pt': a.h5: no column 'mett'; did you mean 'met' or 'jet'?",
        ),
        (
            {"values": "physical", "groups": {**GROUPS, "jet": {**JET, "e": "n"}}},
            "map.yaml: group 'jet': feature 'e' is not in the layout; its features are pt, eta, phi",
        ),
        (
            {"values": "physical", "groups": {**GROUPS, "met": {"pt": "met", "eta": "n"}}},
            "map.yaml: group 'met': feature 'eta' is absent in the hardware, and always 0; its features are pt",
        ),
        (
            {"values": "physical", "groups": {**GROUPS, "jet": {"pt": "jet[:, 0]", "eta": "jet[:, 1]"}}},
            "map.yaml: group 'jet': no column for its feature 'phi'; add phi: COLUMN, or use a layout without it",
        ),
        (
            {"values": "physical", "groups": {"jet": "jet"}},
            None,
        ),
        (
            {"groups": GROUPS},
            "map.yaml: group 'jet', column 'jet[0]': the numbers are no integers; say what they are with values: physical, codes, or grid "
            "for codes times a step",
        ),
        (
            {"values": "physical", "groups": {**GROUPS, "met": {"pt": {"column": "met", "unit": "deg"}}}},
            "map.yaml: group 'met', column 'met' (feature 'pt'): unit: 'deg' does not fit: the layout has it in 'GeV'; write one of eV, "
            "keV, "
            "MeV, GeV, TeV",
        ),
        (
            {"values": "physical", "groups": {**GROUPS, "jet": {**JET, "eta": {"column": "jet[:, 1]", "unit": "rad"}}}},
            "map.yaml: group 'jet', column 'jet[1]' (feature 'eta'): unit: 'rad' does not fit: the layout has it in no unit; write no unit",
        ),
        (
            {"units": ["GeV", "parsec"]},
            "map.yaml: units: 'parsec' is not known; the units are eV, keV, MeV, GeV, TeV, rad, mrad, deg, um, mm, cm, m, ps, ns, us",
        ),
        ({"units": ["GeV", "MeV"]}, "map.yaml: units: more than one of energy: GeV, MeV; give the unit of single columns with unit:"),
        (
            {
                "groups": {
                    **GROUPS,
                    "met": {"pt": {"column": "met", "unit": "GeV", "values": "codes"}},
                    "jet": {"array": "jet", "values": "codes"},
                }
            },
            "map.yaml: group 'met', column 'met': codes have no unit and no step; leave them out, or write values: physical",
        ),
        (
            {"values": "physical", "groups": {**GROUPS, "met": {"pt": {"column": "met", "step": 0.5}}}},
            "map.yaml: group 'met', column 'met': step is for values: grid; leave it out",
        ),
        (
            {"values": "physical", "groups": {**GROUPS, "jet": {"array": "jet[:, 0]"}}},
            "map.yaml: group 'jet': 'jet[:, 0]' has the shape (N, 2), expected (N, slots, 3) with pt, eta, phi as last axis; take a part "
            "of it, "
            "as in jet[:, 0:3], or name its numbers with axis:",
        ),
        (
            {"values": "physical", "groups": {**GROUPS, "jet": {"array": "jet", "axis": ["pt", "pt", None]}}},
            "map.yaml: group 'jet': axis: 'pt' is there twice; give each feature once, and null for numbers that are not used",
        ),
        (
            {"values": "physical", "groups": {**GROUPS, "jet": {"array": "jet", "axis": ["pt", "eta", "mass"]}}},
            "map.yaml: group 'jet': feature 'mass' is not in the layout; its features are pt, eta, phi",
        ),
        (
            {"values": "physical", "groups": {**GROUPS, "jet": {**JET, "pt": "jet[5, 0]"}}},
            "map.yaml: group 'jet', feature 'pt': a.h5: 'jet[5, 0]' does not fit: a row of 'jet' has the shape (2, 3); an index is like "
            "[:, 0] "
            "or [9:19, 2]",
        ),
        (
            {"values": "physical", "groups": {**GROUPS, "jet": {**JET, "pt": "jet"}}},
            "map.yaml: group 'jet', feature 'pt': a.h5: 'jet' has 2 axes behind that of the events, (2, 3); take one with an index, for "
            "example "
            "jet[:, 0]",
        ),
        (
            {"values": "physical", "groups": {**GROUPS, "jet": {**JET, "pt": "jet[0, 0]"}}},
            "map.yaml: group 'jet': its features have different numbers of slots (pt: 1, eta: 2, phi: 2); map the same slots of each",
        ),
        (
            {"values": "physical", "groups": {**GROUPS, "jet": {"features": JET, "where": {"n": 0}}}},
            "map.yaml: group 'jet', column 'jet[0]': where: 'n' is for lists only; leave it out",
        ),
        (
            {"values": "physical", "groups": GROUPS, "process": {"column": "jet", "names": ["a"]}},
            "map.yaml: process: a.h5: 'jet' has 2 axes behind that of the events, (2, 3); take one with an index, for example jet[:, 0]",
        ),
        (
            {"values": "physical", "groups": GROUPS, "extra": {"seed_*": "L1_*"}},
            "map.yaml: extra: no column of a.h5 is like 'L1_*'; " + WITHOUT.format("seed_*"),
        ),
        (
            {"values": "physical", "groups": GROUPS, "extra": {"weight": "xs"}},
            "map.yaml: extra: weight: a.h5: no column 'xs'; it has jet, met, n; " + WITHOUT.format("weight"),
        ),
        (
            {"groups": {"jet": {"count": "n"}}},
            "map.yaml: groups.jet: with count, give the columns as features: {NAME: COLUMN}, or array: COLUMN",
        ),
        (
            {"groups": {"jet": {"array": "jet", "count": "n", "filled": "n"}}},
            "map.yaml: groups.jet: count and filled both say which slots are filled; give one",
        ),
        (
            {"groups": {"jet": {"features": {"pt": {"colum": "jet"}}}}},
            "map.yaml: groups.jet.features.pt.column is missing; add 'column: ...' (name, pattern, list or number of the column)\n"
            "map.yaml: unknown key 'groups.jet.features.pt.colum'; did you mean 'column'?",
        ),
        ({"group": {}}, "map.yaml: unknown key 'group'; did you mean 'groups'?"),
        ({"table": "other", "values": "physical"}, "a.h5: no dataset or group 'other'; it has jet, met, n"),
        ({"delimiter": ";"}, "a.h5: delimiter and header are for CSV files, and this is HDF5; leave them out"),
        (
            {"layout": "ugtt"},
            "map.yaml: layout: unknown layout 'ugtt'; the layouts are calo_regions, cms_l1_record, gelato, p2gt, samples, ugt, "
            "ugt_full, or give a YAML file",
        ),
    ],
)
def test_mapping(mapping, text, tmp_path):
    if text is None:  # what is not named is found by its name
        (tmp_path / "map.yaml").write_text(yaml.safe_dump({"layout": LAYOUT.model_dump(mode="json", exclude_none=True)} | mapping))
        assert import_sources(Request((write(tmp_path),), mapping=tmp_path / "map.yaml"), tmp_path / "out.h5").events == 40
        return
    assert message(tmp_path, write(tmp_path), mapping) == text


def changed(name: str, index: Any, value: float) -> dict[str, np.ndarray]:
    values = ROWS[name].copy()
    values[index] = value
    return {name: values}


@pytest.mark.parametrize(
    ("columns", "values", "text"),
    [
        (
            changed("jet", (7, 1, 0), 9.25),
            "codes",
            "a.h5: event 7: group 'jet', slot 1, column 'jet[3]': pt = 9.25 is no code: codes are integers; write "
            "values: physical, or values: grid",
        ),
        (
            {"jet": np.ones((40, 2, 3), int), "met": np.full(40, 256)},
            "codes",
            "a.h5: event 0: group 'met', slot 0, column 'met': pt = 256 is outside its codes "
            "[0, 255] in layout 'mine'; write values: physical if it is none, or use a layout with more bits",
        ),
        (
            changed("jet", (7, 1, 2), np.nan),
            "physical",
            "a.h5: event 7: group 'jet', slot 1, column 'jet[5]': phi = nan is not finite; the slot is filled by its "
            "'pt', which is 0 in an empty one; correct the value, or leave these events out",
        ),
        (
            changed("jet", (39, 0, 0), -8.0),
            "physical",
            "a.h5: event 39: group 'jet', slot 0, column 'jet[0]': pt = -8 is negative; write missing: VALUE if this "
            "marks empty slots of 'jet', or map the right column",
        ),
        (
            changed("met", slice(None), 8000.0),
            "physical",
            "a.h5: group 'met', column 'met': half of the values are above 8000 GeV, beyond the scale; write "
            "units: [MeV] if they are in MeV, or write values: codes if these are codes",
        ),
        (
            changed("met", slice(None), 0.03),
            "physical",
            "a.h5: group 'met', column 'met': half of the values are below 0.03 GeV, less than a code; write units: [TeV] "
            "if they are in TeV, or write values: codes if these are codes",
        ),
        (
            changed("jet", (3, 1, 2), -170.0),
            "physical",
            "a.h5: event 3: group 'jet', slot 1, column 'jet[5]': phi = -170 rad is more than a turn; write units: [deg] if they are in "
            "degrees, or write values: codes if these are codes",
        ),
        (
            changed("jet", (slice(None), slice(None), 1), 33.0),
            "physical",
            "a.h5: group 'jet', column 'jet[1 ... 4]': half of the values are beyond 3.2, where the "
            "scale of 'eta' ends; map the right column, or write values: codes if these are codes",
        ),
        (
            changed("jet", (5, 0, 0), 128.0),
            "grid",
            "a.h5: event 5: group 'jet', slot 0, column 'jet[0]': pt = 128 is beyond the codes [0, 255] in steps of 0.5; "
            "give the right step: or unit:, or write values: physical",
        ),
        (
            {"met": ROWS["met"][:39]},
            "physical",
            "a.h5: the columns have different numbers of events: 'jet' 40, 'met' 39; map only columns of the same events",
        ),
    ],
)
def test_values(columns, values, text, tmp_path):
    assert message(tmp_path, write(tmp_path, columns), {"values": values, "groups": GROUPS}) == text


TRIGGER = Layout(
    name="trigger",
    groups=(
        Group(
            name="cluster",
            slots=2,
            features=(
                Feature(name="energy", role="energy", bits=8, lsb=0.5, unit="MeV"),
                Feature(name="angle", role="phi", bits=9, unit="deg", period=360),
            ),
        ),
        Group(name="sensor", kind="vector", slots=2, features=(Feature(name="counts", bits=8, lsb=0.25, unit="ns"),)),
    ),
)


def trigger(folder: Path, change: dict[tuple[int, str], Any], missing: float | None = None) -> tuple[Request, Path]:
    """A CSV file of 40 events and its mapping, with some cells changed; and where its store goes."""
    names = ["E0", "a0", "E1", "a1", "s0", "s1", "run"]
    rows = [dict(zip(names, (9.5, 10, 3, 200, 7, 8.25, 1), strict=True)) for _ in range(40)]
    for (row, name), value in change.items():
        rows[row][name] = value
    (folder / "a.csv").write_text("\n".join([",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]) + "\n")
    cluster = {"features": {"energy": "E{slot}", "angle": "a{slot}"}} | ({} if missing is None else {"missing": missing})
    mapping = {"values": "physical", "groups": {"cluster": cluster, "sensor": {"counts": "s{slot}"}}, "extra": {"n": "run"}}
    (folder / "map.yaml").write_text(yaml.safe_dump({"layout": TRIGGER.model_dump(mode="json", exclude_none=True)} | mapping))
    return Request((folder / "a.csv",), mapping=folder / "map.yaml"), folder / "out.h5"


@pytest.mark.parametrize(
    ("change", "missing", "text"),
    [
        (
            {(3, "s1"): -0.5},
            None,
            "a.csv: event 3: group 'sensor', slot 1, column 's1': counts = -0.5 is below -0.125 ns, where the scale begins; map the right "
            "column, or use a layout whose codes reach there (low:, signed:, origin: or lsb: of the feature)",
        ),
        (
            {(row, "s0"): 1000 for row in range(40)} | {(row, "s1"): 1000 for row in range(40)},
            None,
            "a.csv: group 'sensor', column 's0 ... s1': half of the values are beyond 63.9 ns, where the scale of 'counts' ends; write "
            "units: [ps] if they are in ps, or write values: codes if these are codes",
        ),
        (
            {(row, name): 1000 for row in range(40) for name in ("E0", "E1")},
            None,
            "a.csv: group 'cluster', column 'E0 ... E1': half of the values are above 1000 MeV, beyond the scale; write units: [keV] "
            "if they are in keV, or write values: codes if these are codes",
        ),
        (
            {(4, "a1"): 720},
            None,
            "a.csv: event 4: group 'cluster', slot 1, column 'a1': angle = 720 deg is more than a turn; bring the values of the column "
            "into one turn, or write values: codes if these are codes",
        ),
        (
            {(4, "E1"): "inf"},
            None,
            "a.csv: event 4: group 'cluster', slot 1, column 'E1': energy = inf is not finite; write missing: .inf if this marks empty "
            "slots of 'cluster', or leave these events out",
        ),
        (
            {(4, "E1"): "inf"},
            -1.0,
            "a.csv: event 4: group 'cluster', slot 1, column 'E1': energy = inf is not finite; leave these events out",
        ),
        (
            {(4, "E1"): "abc"},
            None,
            "a.csv: event 4: group 'cluster': column 'E1' holds text, 'abc'; map a column of numbers, or write a number there",
        ),
        (
            {(4, "run"): "abc"},
            None,
            "a.csv: event 4: extra n: column 'run' holds text, 'abc'; map a column of numbers, or write a number there",
        ),
    ],
)
def test_cells(change, missing, text, tmp_path):
    with pytest.raises(UserError) as error:
        import_sources(*trigger(tmp_path, change, missing))
    assert str(error.value).replace(f"{tmp_path}/", "") == text


@pytest.mark.parametrize("key", ["source_event", "pileup"])
def test_text_beside_the_inputs(key, tmp_path):
    for name, values in {"a.parquet": ["x", "y"], "b.parquet": ["1", "2"]}.items():
        pq.write_table(pa.table({"met_pt": [1, 2], "label": values}), tmp_path / name)
        layout = Layout(name="one", groups=(LAYOUT["met"],)).model_dump(mode="json", exclude_none=True)
        (tmp_path / "map.yaml").write_text(yaml.safe_dump({"layout": layout, key: "label"}))
        with pytest.raises(UserError) as error:
            import_sources(Request((tmp_path / name,), mapping=tmp_path / "map.yaml"), tmp_path / "out.h5")
        assert f"{name}: event 0: {key}: column 'label' holds text, '{values[0]}'; map" in str(error.value)


def test_an_array_of_texts(tmp_path):
    np.save(tmp_path / "a.npy", np.array([["1"] * 32, ["x"] * 32]))
    assert foreign(tmp_path / "a.npy", tmp_path, named_layout("samples")) == (
        "a.npy: event 1: group 'sample': column 'a[0]' holds text, 'x'; map a column of numbers, or write a number there"
    )


def test_values_above_the_scale_saturate_and_are_counted(tmp_path, caplog):
    change = {(3, "E1"): 127.9, (5, "E1"): 128, (7, "E0"): 5000, (9, "s1"): 63.8, (11, "s1"): 64, (2, "a0"): -90, (3, "a0"): 360}
    store = EventStore.open(import_sources(*trigger(tmp_path, change)).path)
    assert [record.message.replace(f"{tmp_path}/", "") for record in caplog.records if record.levelname == "WARNING"] == [
        "a.csv: 2 values of group 'cluster', column 'E0 ... E1' are above 128 MeV and are stored as 255 (saturated)",
        "a.csv: 1 values of group 'sensor', column 's0 ... s1' are above 63.875 ns and are stored as 255 (saturated)",
    ]
    hw = store.read().hw
    assert (hw[[3, 5], 2].tolist(), hw[7, 0], hw[[9, 11], 5].tolist(), hw[[2, 3], 1].tolist()) == ([255, 255], 255, [255, 255], [270, 0])


@pytest.mark.parametrize(
    ("said", "written"),
    [({"units": ["GeV", "deg"]}, "units: [MeV, deg]"), ({"units": ["deg"]}, "units: [deg, MeV]"), ({"unit": "GeV"}, "unit: MeV")],
)
def test_what_a_message_says_of_units_is_the_remedy(said, written, tmp_path):
    """It is accepted in the place of what was said."""

    def mapping(said):
        in_feature = {"column": "met"} | {key: said[key] for key in said if key == "unit"}
        of_file = {key: said[key] for key in said if key == "units"}
        return {"values": "physical", "groups": GROUPS | {"met": {"features": {"pt": in_feature}}}} | of_file

    degrees = {"jet": ROWS["jet"] * (1000, 1, 40)} if "units" in said else {}
    path = write(tmp_path, changed("met", slice(None), 8000.0) | degrees)
    assert f"beyond the scale; write {written} if they are in MeV" in message(tmp_path, path, mapping(said))
    content = {"layout": LAYOUT.model_dump(mode="json", exclude_none=True)} | mapping(yaml.safe_load(written))
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(content))
    assert import_sources(Request((path,), mapping=tmp_path / "map.yaml"), tmp_path / "out.h5").events == 40


def test_a_description_says_what_values_become(tmp_path):
    path = write(tmp_path, {"met": np.arange(1, 41) * 1000.0})
    content = {"layout": LAYOUT.model_dump(mode="json", exclude_none=True), "values": "physical", "units": ["MeV"], "groups": GROUPS}
    (tmp_path / "map.yaml").write_text(
        yaml.safe_dump(content | {"groups": {"met": {"pt": "met"}, "jet": {"array": "jet", "units": ["GeV"]}}})
    )
    text = describe_sources(Request((path,), mapping=tmp_path / "map.yaml"))
    lines = text[text.index("in the units of the layout, of the first 40 events") :].splitlines()
    low, middle, high = (
        float(value) for value in next(line for line in lines if "met pt" in line).split(":")[1].removesuffix("GeV").split("/")
    )
    step = LAYOUT["met"]["pt"].lsb
    assert [low, middle, high] == pytest.approx([4.9, 20.5, 36.1], abs=step)


def test_the_mapping_file_to_begin_with_names_all_groups_and_the_weight(tmp_path):
    names = ("MET_et", "MET_phi", "em_et", "em_eta", "muon_pt", "muon_eta", "jet0_pt", "jet1_pt", "run", "xs_weight")
    (tmp_path / "a.csv").write_text(",".join(names) + "\n" + ",".join("1.5" for _ in names) + "\n")
    snippet = yaml.safe_load(foreign(tmp_path / "a.csv", tmp_path).split("--map map.yaml:\n\n")[1])
    assert snippet["groups"] == {
        "met": {"pt": "MET_et", "phi": "MET_phi"},
        "em": {"pt": "em_et", "eta": "em_eta"},
        "muon": {"pt": "muon_pt", "eta": "muon_eta"},
        "jet": {"pt": "jet{slot}_pt"},
    }
    assert snippet["extra"] == {"weight": "xs_weight"}
    assert "units" not in snippet


def test_angles_that_are_in_radians_after_all(tmp_path):
    text = message(tmp_path, write(tmp_path), {"values": "physical", "groups": GROUPS, "units": ["deg"]})
    assert text == (
        "a.h5: group 'jet', column 'jet[2 ... 5]': no value is above 1 deg; write units: [rad] if they are in radians, or write values: "
        "codes if "
        "these are codes"
    )


@pytest.mark.parametrize(
    ("arrays", "mapping", "text"),
    [
        (
            {"jet_pt": [[3], [5, 4]], "jet_eta": [[1], [1]], "jet_phi": [[1], [1, 1]]},
            {},
            "a.parquet: event 1: group 'jet': column 'jet_eta' has 1 entries and 'jet_pt' 2; columns of one group must have the same",
        ),
        (
            {"jet_pt": [[3], [5, 4]], "jet_eta": [[1], [1, 1]], "jet_phi": [[1], [1, 1]], "bx": [[0], [0]]},
            {"where": {"bx": 0}},
            "a.parquet: event 1: group 'jet': column 'jet_pt' has 2 entries and 'bx' 1; columns of one group must have the same",
        ),
    ],
)
def test_lists_of_unequal_length(arrays, mapping, text, tmp_path):
    pq.write_table(pa.table({**arrays, "met_pt": [1, 2]}), tmp_path / "a.parquet")
    jet = {"features": {name: f"jet_{name}" for name in ("pt", "eta", "phi")}, **mapping}
    assert message(tmp_path, tmp_path / "a.parquet", {"groups": {"jet": jet}}) == text


def test_waveform_with_a_missing_sample(tmp_path):
    pq.write_table(pa.table({"sample": [[1] * 32, [1] * 31]}), tmp_path / "a.parquet")
    assert message(tmp_path, tmp_path / "a.parquet", "layout: samples\n") == (
        "a.parquet: event 1: group 'sample': column 'sample' has 31 values, but the layout has 32 slots, and none of them may be empty; "
        "use a "
        "layout with slots: 31"
    )


def test_entries_without_a_value(tmp_path):
    pq.write_table(pa.table({"sample": [[1] * 32, [None] * 32]}), tmp_path / "a.parquet")
    text = message(tmp_path, tmp_path / "a.parquet", "layout: samples\n")
    assert text == "a.parquet: column 'sample' has entries without a value; fill the gaps, or leave the column out"


def test_process_that_is_not_named(tmp_path):
    path = write(tmp_path, {"label": np.array([0, 1, 2] + [0] * 37)})
    mapping = {"values": "physical", "groups": GROUPS, "process": {"column": "label", "names": ["w", "qcd"]}}
    assert message(tmp_path, path, mapping) == (
        "a.h5: event 2: process: column 'label' = 2 is not among w, qcd, 0, 1; add it to the names of process in the mapping file"
    )


def test_split_that_is_not_recorded(tmp_path):
    text = message(tmp_path, write(tmp_path), {"values": "physical", "groups": GROUPS}, split="train")
    assert text == "--split train: no column says which split an event is of; add split: COLUMN to the mapping file, or leave --split out"


def test_options_of_other_readers(tmp_path):
    text = message(tmp_path, write(tmp_path), {"values": "physical", "groups": GROUPS}, muon_angles="vertex")
    assert text == "--muon-angles means nothing for any HDF5, npz, npy, parquet, ROOT or CSV file, which take --split; leave it out"


def test_layout_said_twice(tmp_path):
    text = message(tmp_path, write(tmp_path), {"groups": GROUPS}, layout=named_layout("ugt"))
    assert text == "map.yaml: its layout is 'mine', but --layout is 'ugt'; give one of them"
    text = message(tmp_path, write(tmp_path), "values: physical\n")
    assert text == "map.yaml: no layout; add layout: NAME (l1ae data layouts lists them), or give --layout"


def test_lsb_that_cannot_be(tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine\ngroups: [{name: jet, features: [{name: pt, bits: 4, lsb: 0}]}]\n")
    text = message(tmp_path, write(tmp_path), "layout: mine.yaml\n")
    assert text.startswith("map.yaml: layout: mine.yaml: groups.0.features.0: feature 'pt': lsb 0.0 must be a positive number")


# -- files that are valid but foreign, and damaged ones --------------------------------------------------------------------


def foreign(path: Path, folder: Path, layout: Layout | None = None) -> str:
    with pytest.raises(UserError) as error:
        import_sources(Request((path,), layout), folder / "out.h5")
    return str(error.value).replace(f"{folder}/", "")


EXPLANATION = (
    "Say which columns are which of a layout (l1ae data layouts lists them, a YAML file of your own is one too) in a mapping file, for\n"
    "example map.yaml, and give it with --map map.yaml:\n\n"
)


def known() -> str:
    from l1ae.data import READERS

    return "; ".join(reader.title for name, reader in READERS.items() if name != "table")


def test_foreign_hdf5(tmp_path):
    assert foreign(write(tmp_path), tmp_path) == (
        f"a.h5: a valid HDF5 file, but none of: {known()}.\nIt has:\n  jet: float64 (N, 2, 3), 40 events\n  met: float64, 40 events\n"
        f"  n: int64, 40 events\n{EXPLANATION}"
        "layout: my_layout.yaml\nvalues: physical  # codes: hardware integers; physical: GeV, ...; grid: codes times a step\n"
        "# units: [MeV, deg]  # of the file, where they are not those of the layout\ngroups:\n  jet:\n"
        '    pt: "jet[:, 0]"\n    eta: "jet[:, 1]"\n    phi: "jet[:, 2]"'
    )


def test_foreign_root_with_several_trees(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("a/one", {"x": "int32"}).extend({"x": np.zeros(3, np.int32)})
        file.mktree("events", {"jet_pt": "var * float32", "n": "int32"}).extend(
            {"jet_pt": ak.Array([[1.0], []]), "n": np.zeros(2, np.int32)}
        )
    text = foreign(tmp_path / "a.root", tmp_path)
    assert text.startswith(
        f"a.root: a valid ROOT file, but none of: {known()}.\nIt has the trees a/one, events.\nTree events has:\n  njet_pt: int32, 2 "
        "events\n"
        "  jet_pt: lists of float32, 2 events\n  n: int32, 2 events\n"
    )
    assert "\ntable: events\n" in text


def test_foreign_for_a_layout_that_its_columns_do_not_fit(tmp_path):
    (tmp_path / "a.csv").write_text("jet_pt,jet_eta,energy\n1,2,3\n")
    text = foreign(tmp_path / "a.csv", tmp_path, LAYOUT)
    assert text.startswith(
        "a.csv: no column for feature 'phi' of group 'jet' (looked for 'jet0_phi', 'jet_phi'); name it in the mapping file with groups: "
    )
    assert text.endswith("groups:\n  jet:\n    pt: jet_pt\n    eta: jet_eta\n    phi: COLUMN\n  met:\n    pt: COLUMN")


@pytest.mark.parametrize("layout", [None, "ugt"])
def test_the_snippet_is_a_mapping_file(layout, tmp_path):
    """With the layout it only has to be filled in: here the columns have names like those of the layout."""
    events = random_events(named_layout("ugt"), 3, seed=1)
    rows = np.array(expected(named_layout("ugt"), events)).reshape(-1, 19, 3)
    groups = {"met": slice(0, 1), "eg": slice(1, 5), "mu": slice(5, 9), "jet": slice(9, 19)}
    columns = {
        f"my_{g}_{f}_codes": rows[:, part, k]
        for g, part in groups.items()
        for k, f in enumerate(("pt", "eta", "phi"))
        if (g, f) != ("met", "eta")
    }
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, values in columns.items():
            file[name] = values
    text = foreign(tmp_path / "a.h5", tmp_path, named_layout(layout) if layout else None)
    snippet = text.split("--map map.yaml:\n\n")[1]
    assert yaml.safe_load(snippet)["layout"] == (layout or "my_layout.yaml")
    if layout:
        (tmp_path / "map.yaml").write_text(snippet)
        result = import_sources(Request((tmp_path / "a.h5",), mapping=tmp_path / "map.yaml"), tmp_path / "out.h5")
        np.testing.assert_array_equal(EventStore.open(result.path).read().hw, rows.reshape(3, -1))


def truncated(path: Path, part: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    return path


def some_files(folder: Path) -> list[Path]:
    layout = named_layout("samples")
    rows = np.array(expected(layout, random_events(layout, 3000, seed=1)), np.int32)
    write(folder, {"x": rows})
    np.savez(folder / "a.npz", x=rows)
    np.savez_compressed(folder / "b.npz", x=rows)
    np.save(folder / "a.npy", rows)
    pq.write_table(pa.table({"sample": list(rows)}), folder / "a.parquet")
    with uproot.recreate(folder / "a.root") as file:
        file.mktree("t", {"sample": np.dtype((np.int32, 32))}).extend({"sample": rows})
    return [folder / name for name in ("a.h5", "a.npz", "b.npz", "a.npy", "a.parquet", "a.root")]


@pytest.mark.parametrize("part", [0.01, 0.3, 0.97])
def test_truncated_files_are_called_so(part, tmp_path):
    for path in some_files(tmp_path):
        text = foreign(truncated(path, part), tmp_path, named_layout("samples"))
        assert "truncated or damaged; copy it again" in text, (path, text)
        assert "a valid" not in text


def test_damage_inside_a_file(tmp_path):
    """Found while reading; the store under its final name does not come to be."""
    path = tmp_path / "b.npz"
    some_files(tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    text = foreign(path, tmp_path, named_layout("samples"))
    assert text.startswith("b.npz: cannot be read as npz (")
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.h5", b"", "a.h5: the file is empty; copy it again"),
        (
            "a.h5",
            b"<html>not found</html>",
            "a.h5: no HDF5 file (it begins with b'<html>no'); the file is damaged or has the wrong name; copy it again",
        ),
        (
            "a.root",
            b"\0\1\2",
            "a.root: no ROOT file (it begins with b'\\x00\\x01\\x02'); the file is damaged or has the wrong name; copy it again",
        ),
        ("a.lhe.xz", b"\xfd7zXZ\0\0", "a.lhe.xz: a kind of file that is not read; convert it to one of HDF5, npz, npy, parquet, ROOT, CSV"),
    ],
)
def test_files_of_other_kinds(name, content, text, tmp_path):
    (tmp_path / name).write_bytes(content)
    assert foreign(tmp_path / name, tmp_path) == text


def test_missing_files_and_folders(tmp_path):
    assert foreign(tmp_path / "none.h5", tmp_path) == "none.h5: no such file"
    (tmp_path / "folder").mkdir()
    assert foreign(tmp_path / "folder", tmp_path) == "folder: a folder, and none in a layout that is recognised; name the files in it"


def test_lines_of_unequal_length(tmp_path):
    (tmp_path / "a.csv").write_text("met,jet\n1,2\n3\n")
    assert foreign(tmp_path / "a.csv", tmp_path, LAYOUT).startswith(
        "a.csv: cannot be read as CSV (CSV parse error: Row #3: Expected 2 columns, got 1: 3); if it is a table, all its lines must have "
        "the same columns: write the right delimiter: into a mapping file, or"
    )


def test_pickles_are_never_loaded(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    text = foreign(tmp_path / "a.npy", tmp_path, named_layout("samples"))
    assert "a.npy: a valid npy file, but none of: " in text
    assert "\nIt has no columns of numbers.\n" in text


def test_a_zip_that_is_no_npz(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "It has no columns of numbers." in foreign(tmp_path / "a.npz", tmp_path)


@pytest.mark.parametrize(
    ("columns", "groups"),
    [
        ({"JetPt1": 1.0, "JetPt2": 1.0, "JetETA1": 1.0, "JetETA2": 1.0, "mass": 1.0}, ["JetPt{slot1}", "JetETA{slot1}"]),
        ({"evt": 1, "e": 1.0, "Eta": 1.0, "phi of it": 1.0}, ["e", "Eta", '"phi of it"']),
        ({"met": 1.0, "time": 1.0}, ["COLUMN", "COLUMN", "COLUMN"]),
    ],
)
def test_columns_for_the_mapping_file_are_matched_by_their_names(columns, groups, tmp_path):
    (tmp_path / "a.csv").write_text(",".join(columns) + "\n" + ",".join(str(value) for value in columns.values()) + "\n")
    text = foreign(tmp_path / "a.csv", tmp_path)
    lines = [f"    {feature}: {column}" for feature, column in zip(("pt", "eta", "phi"), groups, strict=False)]
    assert "\n".join(["groups:", "  jet:", *lines]) in text
    yaml.safe_load(text.split("--map map.yaml:\n\n")[1])


@pytest.mark.parametrize(("width", "column"), [(57, '"a[0::3]"'), (32, "COLUMN")])
def test_strided_columns_only_of_rows_that_have_whole_slots(width, column, tmp_path):
    np.save(tmp_path / "a.npy", np.ones((3, width)))
    assert f"  jet:\n    pt: {column}\n" in foreign(tmp_path / "a.npy", tmp_path)


def test_a_header_alone_and_no_rows(tmp_path, caplog):
    (tmp_path / "a.csv").write_text("met_pt,run\n")
    assert foreign(tmp_path / "a.csv", tmp_path, LAYOUT) == "a.csv: no events: the file has a header, and no line behind it"
    np.save(tmp_path / "a.npy", np.zeros((0, 32), int))
    assert import_sources(Request((tmp_path / "a.npy",), named_layout("samples")), tmp_path / "out.h5").events == 0
    assert f"{tmp_path}/a.npy: no events" in caplog.messages


def test_names_that_are_twice_in_a_header(tmp_path):
    (tmp_path / "a.csv").write_text("met_pt,run,met_pt\n1,2,3\n")
    assert foreign(tmp_path / "a.csv", tmp_path, LAYOUT) == (
        "a.csv: the header has the name 'met_pt' more than once (columns 0 and 2, counted from 0); give each column a name of its own"
    )


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_an_integer_without_a_value(name, tmp_path):
    layout = Layout(name="one", groups=(LAYOUT["met"],))
    if name == "a.csv":
        (tmp_path / name).write_text("met_pt,n\n1,2\n3,4\n5,\n")
    else:
        pq.write_table(pa.table({"met_pt": [1, 3, 5], "n": [2, 4, None]}), tmp_path / name)
    (tmp_path / "map.yaml").write_text(yaml.safe_dump({"layout": layout.model_dump(mode="json", exclude_none=True), "pileup": "n"}))
    text = message(tmp_path, tmp_path / name, (tmp_path / "map.yaml").read_text())
    assert text == f"{name}: event 2: column 'n' has no value; fill the gaps, or leave the column out"


def test_text_far_behind_the_first_block_of_a_csv_file(tmp_path):
    (tmp_path / "a.csv").write_text("met_pt\n" + "1\n" * (1 << 22) + "abc\n")
    assert message(tmp_path, tmp_path / "a.csv", {"layout": Layout(name="o", groups=(LAYOUT["met"],)).model_dump(mode="json")}) == (
        "a.csv: line 4194306: 'abc' in a column of int64; correct it, or write the numbers of this column alike from the first line on "
        "(1.0 in a column of real numbers)"
    )


def test_members_of_lists_in_a_rntuple(tmp_path):
    jets = ak.Array([[{"pt": 9, "eta": 1, "phi": 1}], [{"pt": 8, "eta": 2, "phi": 1}, {"pt": 7, "eta": 3, "phi": 1}], []])
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("tree", {"j": jets, "n": np.arange(3)})
    assert "\n  j.pt: lists of int64, 3 events\n" in foreign(tmp_path / "a.root", tmp_path)
    mapping = {"layout": Layout(name="jets", groups=(LAYOUT["jet"],)).model_dump(mode="json", exclude_none=True)}
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(mapping | {"groups": {"jet": {name: f"j.{name}" for name in ("pt", "eta", "phi")}}}))
    store = EventStore.open(import_sources(Request((tmp_path / "a.root",), mapping=tmp_path / "map.yaml"), tmp_path / "out.h5").path)
    assert store.read().hw.tolist() == [[9, 1, 1, 0, 0, 0], [8, 2, 1, 7, 3, 1], [0] * 6]


def test_progress_ends_at_its_total(tmp_path):
    (tmp_path / "a.csv").write_text("met_pt\n1\n2\n3")
    seen: list[tuple[int, int]] = []
    layout = Layout(name="one", groups=(LAYOUT["met"],))
    import_sources(Request((tmp_path / "a.csv",), layout), tmp_path / "out.h5", progress=lambda *numbers: seen.append(numbers))
    assert seen[-1] == (3, 3)


def test_a_row_per_object_is_noticed(tmp_path, caplog):
    """The remedy of docs/import.md is tried, too."""
    (tmp_path / "a.csv").write_text("EventNumber,jet_pt,jet_eta,jet_phi\n1,9,1,1\n2,8,2,1\n2,7,3,1\n")
    layout = Layout(name="jets", groups=(LAYOUT["jet"],))
    import_sources(Request((tmp_path / "a.csv",), layout.select({"jet": 1})), tmp_path / "out.h5")
    (text,) = [item.replace(f"{tmp_path}/", "") for item in caplog.messages if "EventNumber" in item]
    assert text.startswith(
        "a.csv: column 'EventNumber' is 2 in row 1 and in the next, but every row becomes one event; if a row is one object"
    )
    (tmp_path / "objects.csv").write_text((tmp_path / "a.csv").read_text().replace("EventNumber", "event"))
    script = (Path(__file__).parents[3] / "docs/import.md").read_text().split("```python\n")[1].split("```")[0]
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    store = EventStore.open(import_sources(Request((tmp_path / "events.parquet",), layout), tmp_path / "lists.h5").path)
    assert store.read().hw.tolist() == [[9, 1, 1, 0, 0, 0], [8, 2, 1, 7, 3, 1]]
    caplog.clear()
    (tmp_path / "map.yaml").write_text("source_event: EventNumber\n")
    request = Request((tmp_path / "a.csv",), layout.select({"jet": 1}), tmp_path / "map.yaml")
    import_sources(request, tmp_path / "out.h5", force=True)
    assert not [item for item in caplog.messages if "EventNumber" in item]


@pytest.mark.slow
def test_ten_thousand_columns_take_seconds(tmp_path):
    started = time.process_time()
    (tmp_path / "mine.yaml").write_text("name: mine\ngroups: [{name: x, kind: vector, slots: 30000, features: [{name: c, bits: 4}]}]\n")
    find_layout("mine.yaml", tmp_path)
    names = [f"x{k}" for k in range(10000)]
    (tmp_path / "a.csv").write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    layout = Layout(name="mine", groups=(Group(name="x", kind="vector", slots=10000, features=(Feature(name="c", bits=4),)),))
    assert import_sources(Request((tmp_path / "a.csv",), layout), tmp_path / "out.h5").events == 1
    assert time.process_time() - started < 10


# -- outputs ---------------------------------------------------------------------------------------------------------------


def test_an_existing_output_stays(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 32), int))
    (tmp_path / "out.h5").write_text("precious")
    request = Request((tmp_path / "a.npy",), named_layout("samples"))
    with pytest.raises(UserError) as error:
        import_sources(request, tmp_path / "out.h5")
    assert str(error.value) == f"{tmp_path}/out.h5: exists already; give --force to replace it, or another name with -o"
    assert (tmp_path / "out.h5").read_text() == "precious"
    with pytest.raises(UserError, match="no such file"):
        import_sources(Request((tmp_path / "none.npy",), named_layout("samples")), tmp_path / "out.h5", force=True)
    assert (tmp_path / "out.h5").read_text() == "precious"
    assert import_sources(request, tmp_path / "out.h5", force=True).events == 3
    with pytest.raises(UserError, match=r"a\.npy: the output is one of the sources; give it another name"):
        import_sources(request, tmp_path / "a.npy", force=True)
    (tmp_path / "map.yaml").write_text("layout: mine.yaml\n")
    (tmp_path / "mine.yaml").write_text("name: mine\ngroups: [{name: x, kind: vector, slots: 32, features: [{name: code, bits: 4}]}]\n")
    request = Request((tmp_path / "a.npy",), mapping=tmp_path / "map.yaml")
    for name, what in {"map": "mapping", "mine": "layout"}.items():
        with pytest.raises(UserError, match=rf"{name}\.yaml: the output is the {what} file; give it another name"):
            import_sources(request, tmp_path / f"{name}.yaml", force=True)


def test_description_writes_nothing(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 32), int))
    (tmp_path / "map.yaml").write_text("layout: samples\n")
    text = describe_sources(Request((tmp_path / "a.npy",), mapping=tmp_path / "map.yaml"))
    assert text == (
        f"table, by {tmp_path}/map.yaml: {tmp_path}/a.npy\nlayout: samples (32 ADC samples of one cell; 32 columns)\nevents: 3\ncolumns:\n"
        "  sample adc: a[0 ... 31] (codes)\nin the units of the layout, of the first 3 events, 10 % / 50 % / 90 % of what is there:\n"
        "  sample adc: 0 / 0 / 0 ADC counts"
    )
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.npy", "map.yaml"]


def test_layout_of_a_run_and_of_a_store_that_do_not_fit(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 32), int))
    result = import_sources(Request((tmp_path / "a.npy",), named_layout("samples")), tmp_path / "out.h5")
    with pytest.raises(
        UserError, match=r"out.h5: no group 'met' in its layout 'samples' \(there are sample\); leave it out with inputs.select: \{met: 0\}"
    ):
        EventStore.open(result.path, find_layout("ugt"))


def test_a_signed_scale_saturates_on_both_sides(tmp_path, caplog):
    layout = {
        "name": "tilt",
        "groups": [{"name": "t", "kind": "vector", "slots": 2, "features": [{"name": "a", "bits": 4, "signed": True}]}],
    }
    (tmp_path / "tilt.yaml").write_text(yaml.safe_dump(layout))
    (tmp_path / "map.yaml").write_text(yaml.safe_dump({"layout": "tilt.yaml", "values": "physical"}))
    (tmp_path / "a.csv").write_text("t0,t1\n-8.4,7.4\n-9,8\n1,-2\n")
    request = Request((tmp_path / "a.csv",), mapping=tmp_path / "map.yaml")
    store = EventStore.open(import_sources(request, tmp_path / "a.h5").path)
    assert store.read().hw.tolist() == [[-8, 7], [-8, 7], [1, -2]]
    (warning,) = [record.message.replace(f"{tmp_path}/", "") for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith(
        "a.csv: 2 values of group 't', column 't0 ... t1' are beyond the scale, -8.5 to 7.5, and are stored as -8 or 7"
    )


def test_a_reference_to_nothing_is_said(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    groups = {"jet": {"pt": [], "eta": "a", "phi": "a"}, "met": {"pt": "b"}}
    (tmp_path / "layout.yaml").write_text(yaml.safe_dump(LAYOUT.model_dump(mode="json", exclude_defaults=True)))
    (tmp_path / "map.yaml").write_text(yaml.safe_dump({"layout": "layout.yaml", "values": "codes", "groups": groups}))
    with pytest.raises(UserError, match="names no column; there are a, b"):
        describe_sources(Request((tmp_path / "a.csv",), mapping=tmp_path / "map.yaml"))
