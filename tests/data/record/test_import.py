"""Files of the published layouts, read back event by event; expectations are plain Python, see `published`."""

import logging

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from l1ae.data import EventStore, import_record
from l1ae.errors import UserError
from l1ae.inputs import Cut, Feature, Group, Layout, named_layout

from .published import (
    DATA,
    INFO_TYPES,
    SEEDS,
    columns_of,
    expected_info,
    expected_pileup,
    expected_row,
    in_study_order,
    interleaved,
    make_events,
    published_list,
    write,
    write_mirror,
    write_tree,
)

LAYOUTS = ("ugt", "ugt_full", "cms_l1_record")
NUMBERS = ("run", "lumi", "bx", "orbit", "event", "time", "order")


@pytest.fixture
def convert(tmp_path):
    def run(*sources, layout="cms_l1_record", **options):
        layout = named_layout(layout) if isinstance(layout, str) else layout
        result = import_record(sources, tmp_path / "out.h5", layout, **({"sample": "zerobias"} | options))
        store = EventStore.open(result.path)
        assert result.events == store.n_events
        return store

    return run


def same(store, events, layout):
    """Codes, numbers, pileup and seeds of all events, exactly."""
    names = [name for name in NUMBERS if name in store.extra]
    found = store.read(extra=store.extra)
    assert found.hw.tolist() == [expected_row(event, layout) for event in events]
    for name in names:
        assert found.extra[name].dtype == np.int64
        assert found.extra[name].tolist() == expected_info(events, name), name
    assert found.pileup.tolist() == expected_pileup(events)
    assert found.source_event.tolist() == list(range(len(events)))
    for name in (name for name in store.extra if name.startswith("seed_")):
        assert found.extra[name].dtype == np.bool_
        assert found.extra[name].tolist() == [event["seeds"][name.removeprefix("seed_")] for event in events], name
    if "l1bit" in store.extra:
        assert found.extra["l1bit"].tolist() == [event["seeds"]["L1bit"] for event in events]


@pytest.mark.parametrize("kind", ["tree", "mirror"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_events_come_back_exactly(convert, tmp_path, kind, name):
    events = make_events(230, seed=1)
    store = convert(write(kind, tmp_path / DATA, "train", events), layout=name)
    same(store, events, named_layout(name))
    assert set(store.extra) == {*NUMBERS, "split", "l1bit", *(f"seed_{seed}" for seed in SEEDS)}
    assert store.own == named_layout(name)
    assert (store.sample, store.processes) == ("zerobias", ("zerobias",))
    assert not store.read(extra=["split"]).extra["split"].any()


@pytest.mark.parametrize("kind", ["tree", "mirror"])
@pytest.mark.parametrize("chunk", [1, 16, 37, 64, 1000])
def test_blocks_do_not_matter(convert, tmp_path, kind, chunk):
    count = 20 if chunk == 1 else 150
    runs = [make_events(count, seed=2), make_events(count // 2, seed=3, run=398183)]
    interleaved(*runs, seed=4, outside=3)
    sources = [write(kind, tmp_path / f"ZB_run{events[0]['info']['run']}", "train", events) for events in runs]
    same(convert(*sources, chunk=chunk), in_study_order(*runs), named_layout("cms_l1_record"))


def test_saturated_objects_unordered_muons_and_full_lists_are_among_the_events():
    """What the other tests rely on."""
    events = make_events(230, seed=1)
    muons = [event["muons"]["muonIEt"] for event in events]
    assert sum(sorted(values, reverse=True) != values for values in muons) > 50
    assert sum(len(values) == 8 for values in muons) > 10
    assert sum(not values for values in muons) > 10
    for name, energy, top in (("muons", "muonIEt", 511), ("jets", "jetIEt", 2047), ("FET", "Et", 4095)):
        assert sum(top in event[name][energy] for event in events) > 10


# -- splits and order --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["tree", "mirror"])
@pytest.mark.parametrize("outside", ["drop", "keep"])
def test_two_runs_are_in_the_order_of_the_study(convert, tmp_path, kind, outside):
    first, second = make_events(140, seed=5), make_events(90, seed=6, run=398183)
    interleaved(first, second, seed=7, outside=4)
    # the later run is given first: the order of names decides between events outside the cut
    sources = [write(kind, tmp_path / f"ZB_run{run}", "train", events) for run, events in ((398183, second), (396102, first))]
    store = convert(*sources, outside_cut=outside, chunk=32)
    same(store, in_study_order(first, second, outside=outside == "keep"), named_layout("cms_l1_record"))
    runs = store.read(extra=["run"]).extra["run"]
    assert len(set(runs[:20].tolist())) == 2
    if outside == "keep":
        assert runs[-8:].tolist() == [396102] * 4 + [398183] * 4
    assert store.provenance["row_order"] == "by column 'order' within a split"
    assert [part["outside_cut"] for part in store.provenance["parts"]] == [4, 4]


def test_what_is_left_out_is_counted(tmp_path):
    events = make_events(60, seed=8)
    interleaved(events, seed=9, outside=5)
    folder = write_tree(tmp_path / DATA / "train", events)
    done = []
    result = import_record(
        [folder], tmp_path / "out.h5", named_layout("ugt"), sample="zb", progress=lambda *numbers: done.append(numbers), chunk=16
    )
    assert (result.events, dict(result.left_out)) == (55, {"outside the standard cut": 5})
    assert done[-1] == (55, 55)
    assert result.reordered == sum(event["muons"]["muonIEt"] != sorted(event["muons"]["muonIEt"], reverse=True) for event in events[:55])


@pytest.mark.parametrize("kind", ["tree", "mirror"])
def test_splits_come_one_after_the_other_or_alone(convert, tmp_path, kind):
    parts = {split: make_events(30 + k, seed=10 + k, split=split) for k, split in enumerate(("test", "train", "valid"))}
    for split, events in parts.items():
        folder = write(kind, tmp_path / DATA, split, events)
    store = convert(folder)
    same(store, parts["train"] + parts["valid"] + parts["test"], named_layout("cms_l1_record"))
    assert store.read(extra=["split"]).extra["split"].tolist() == [0] * 31 + [1] * 32 + [2] * 30
    assert store.read(extra=["split"]).extra["split"].dtype == np.int8
    only = convert(folder, split="valid")
    same(only, parts["valid"], named_layout("cms_l1_record"))
    assert set(only.read(extra=["split"]).extra["split"].tolist()) == {1}


def test_a_single_split_folder_and_a_folder_that_is_called_otherwise(convert, tmp_path):
    events = make_events(20, seed=13, split="valid")
    assert convert(write_tree(tmp_path / DATA / "valid", events)).read(extra=["split"]).extra["split"].tolist() == [1] * 20
    other = write_tree(tmp_path / "elsewhere", events)
    assert convert(other).read(extra=["split"]).extra["split"].tolist() == [1] * 20
    assert convert(other, split="valid").n_events == 20
    for event in events:
        del event["info"]["split"]
    unknown = convert(write_tree(tmp_path / "unknown", events))
    assert "split" not in unknown.extra


def test_an_order_that_does_not_rise_leaves_events_as_in_the_files(convert, tmp_path, caplog):
    events = make_events(50, seed=14)
    for event, place in zip(events, np.random.default_rng(15).permutation(50).tolist(), strict=True):
        event["info"]["order"] = place
    with caplog.at_level(logging.WARNING, "l1ae"):
        store = convert(write_tree(tmp_path / DATA / "train", events), chunk=16)
    same(store, events, named_layout("cms_l1_record"))
    assert store.provenance["row_order"] == "as in the files, by data set"
    assert "their column 'order' is missing or does not rise" in caplog.text


def test_events_outside_the_cut_may_lie_between_the_others(convert, tmp_path):
    events = make_events(50, seed=16)
    for place in (3, 20, 41):
        events[place]["info"]["order"] = -1
    folder = write_tree(tmp_path / DATA / "train", events)
    same(convert(folder), in_study_order(events), named_layout("cms_l1_record"))
    same(convert(folder, outside_cut="keep"), events, named_layout("cms_l1_record"))


def test_optional_columns_may_be_missing(convert, tmp_path):
    events = make_events(25, seed=17)
    for event in events:
        for name in ("split", "order", "time", "orbit", "nPV_True"):
            del event["info"][name]
        del event["seeds"]
    store = convert(write_tree(tmp_path / DATA / "train", events))
    assert set(store.extra) == {"run", "lumi", "bx", "event", "split"}
    assert (store.read().pileup == -1).all()
    assert store.read().hw.tolist() == [expected_row(event, named_layout("cms_l1_record")) for event in events]


def test_simulation_with_its_menu_its_types_and_unknown_numbers(convert, tmp_path):
    """nPV_True int32, bx and orbit all ones: not known, and no number that wrapped around."""
    info = INFO_TYPES | {"nPV_True": pa.int32()}
    events = make_events(40, seed=18, split="valid", simulated=True, seeds=("L1_HTT360er", "L1_MonteCarlo", "L1_SingleMu22"))
    folder = write_tree(tmp_path / "GluGluHTo2B_Par-MH-125" / "valid", events, info=info).parent
    for source in (folder, write_mirror(tmp_path / "mirror" / folder.name, "valid", events, info=info)):
        store = convert(source)
        same(store, events, named_layout("cms_l1_record"))
        assert set(store.read(extra=["orbit"]).extra["orbit"].tolist()) == {-1}
        assert {name for name in store.extra if name.startswith("seed_")} == {
            "seed_L1_HTT360er",
            "seed_L1_MonteCarlo",
            "seed_L1_SingleMu22",
        }


def test_a_number_that_int64_cannot_hold_is_refused(convert, tmp_path):
    events = make_events(9, seed=19)
    events[4]["info"]["event"] = 2**63 + 5
    with pytest.raises(UserError, match=rf"event_info/00000.parquet: row 4: event = {2**63 + 5} is beyond 64 bits with sign"):
        convert(write_tree(tmp_path / DATA / "train", events))


# -- arrow types, shards, strays ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make_list",
    [
        pa.list_,
        pa.large_list,
        lambda kind: pa.list_(pa.field("item", kind, nullable=False)),
        lambda kind: pa.large_list(pa.field("array", kind)),
    ],
)
def test_kinds_of_lists(convert, tmp_path, make_list):
    events = make_events(60, seed=20)
    info = INFO_TYPES | {"split": pa.large_string(), "order": pa.int32()}
    same(convert(write_tree(tmp_path / DATA / "train", events, make_list=make_list, info=info)), events, named_layout("cms_l1_record"))


def test_lists_of_fixed_size_and_plain_columns(convert, tmp_path):
    events = make_events(30, seed=21)
    folder = write_tree(tmp_path / DATA / "train", events)
    columns = columns_of(events, published_list)
    fixed = {name: pa.FixedSizeListArray.from_arrays(array.flatten(), 1) for name, array in columns["FET"].items()}
    pq.write_table(pa.table(fixed), folder / "FET" / "00000.parquet")
    plain = {name: array.flatten() if pa.types.is_large_list(array.type) else array for name, array in columns["info"].items()}
    pq.write_table(pa.table(plain), folder / "event_info" / "00000.parquet")
    pq.write_table(
        pa.table({name: array.flatten().cast(pa.int8()) for name, array in columns["seeds"].items()}), folder / "seeds/00000.parquet"
    )
    same(convert(folder), events, named_layout("cms_l1_record"))


def test_columns_written_by_awkward(convert, tmp_path):
    """The published files are written by awkward, with its own metadata."""
    ak = pytest.importorskip("awkward")
    events = make_events(40, seed=22)
    folder = write_tree(tmp_path / DATA / "train", events)
    for name in ("muons", "jets", "FET", "seeds"):
        content = {column: ak.Array([np.ravel(event[name][column]) for event in events]) for column in events[0][name]}
        pq.write_table(ak.to_arrow_table(ak.Array(content), extensionarray=False), folder / name / "00000.parquet")
    same(convert(folder), events, named_layout("cms_l1_record"))


def test_shards_end_at_other_rows_in_each_folder(convert, tmp_path):
    events = make_events(120, seed=23)
    folder = write_tree(tmp_path / DATA / "train", events, shards={"jets": 3, "muons": 2, "seeds": 11})
    (folder / "seeds" / "00009.parquet").rename(folder / "seeds" / "9.parquet")  # by number, not by name
    same(convert(folder, chunk=25), events, named_layout("cms_l1_record"))


def test_stray_files_beside_the_shards_do_not_count(convert, tmp_path):
    events = make_events(40, seed=24)
    tree = write_tree(tmp_path / DATA / "train", events).parent
    mirror = write_mirror(tmp_path / "mirror" / DATA, "train", events)
    for folder, name in (
        (tree / "train" / "jets", "00000.parquet"),
        (mirror, "train-00000-of-00001.parquet"),
        (mirror / "seeds", "x.parquet"),
    ):
        for stray in (f"._{name}", f".{name}.crc", "README.md", "_SUCCESS", "._x.parquet", "_metadata.parquet"):
            (folder / stray).write_bytes(b"no parquet")
    (tree / "train" / ".cache").mkdir()
    (tree / "train" / "notes").mkdir()
    (tree / "README.md").write_text("text")
    for source in (tree, mirror):
        same(convert(source), events, named_layout("cms_l1_record"))


def test_shards_of_the_mirror_and_of_its_seeds(convert, tmp_path):
    events = make_events(101, seed=25)
    folder = write_mirror(tmp_path / DATA, "train", events, shards=3, seed_shards=2)
    same(convert(folder, chunk=30), events, named_layout("cms_l1_record"))


def test_the_first_shards_of_the_mirror_alone(convert, tmp_path):
    """They are as many rows of the seeds, whose shards end elsewhere."""
    events = make_events(101, seed=26)
    folder = write_mirror(tmp_path / DATA, "train", events, shards=3, seed_shards=2)
    same(convert(folder / "train-00000-of-00003.parquet", chunk=8), events[:34], named_layout("cms_l1_record"))
    (folder / "train-00002-of-00003.parquet").unlink()
    two = [folder / f"train-0000{k}-of-00003.parquet" for k in (1, 0)]
    same(convert(*two, chunk=30), events[:68], named_layout("cms_l1_record"))
    with pytest.raises(UserError, match=r"1 of the shards of train are missing, such as train-00002-of-00003.parquet; download"):
        convert(folder)
    with pytest.raises(UserError, match=r"seeds: row 0: event is .* their rows must be the same events"):
        convert(folder / "train-00001-of-00003.parquet")
    same(convert(folder / "train-00001-of-00003.parquet", seeds=()), _renumbered(events[34:68]), named_layout("cms_l1_record"))


def _renumbered(events):
    return [event | {"seeds": {}} for event in events]


# -- layouts -----------------------------------------------------------------------------------------------------------


def test_a_layout_of_the_users_own(convert, tmp_path):
    """Columns that no layout of the package has, another order, a cut below the end of the scale, a group without sort."""
    layout = Layout(
        name="mine",
        groups=(
            Group(
                name="tower",
                kind="sums",
                gate=False,
                source="HT",
                features=(Feature(name="count", source="tower_count", bits=13),),
            ),
            Group(
                name="jet",
                slots=3,
                source="jets",
                sort="pt",
                cuts=(Cut(feature="pt", max=1000),),
                features=(
                    Feature(name="raw", source="jetRawEt", bits=16),
                    Feature(name="pt", role="energy", source="jetIEt", bits=11, lsb=0.5, unit="GeV"),
                ),
            ),
            Group(name="mu", slots=8, source="muons", features=(Feature(name="pt", role="energy", source="muonIEt", bits=9),)),
        ),
    )
    events = make_events(80, seed=27)
    for kind in ("tree", "mirror"):
        same(convert(write(kind, tmp_path / kind / DATA, "train", events), layout=layout), events, layout)


def test_a_veto_leaves_events_out(convert, tmp_path):
    base = named_layout("cms_l1_record")
    layout = base.select({"met_hf": 1, "eg": 0, "mu": 0, "tau": 0})
    groups = tuple(group.model_copy(update={"saturated": "veto"}) if group.name == "jet" else group for group in layout.groups)
    layout = layout.model_copy(update={"groups": groups})
    events = make_events(80, seed=28)
    kept = [event for event in events if 2047 not in event["jets"]["jetIEt"]]
    folder = write_tree(tmp_path / DATA / "train", events)
    result = import_record([folder], tmp_path / "out.h5", layout, sample="zb", chunk=16)
    assert dict(result.left_out) == {"vetoed by the layout's cuts": len(events) - len(kept)}
    assert EventStore.open(result.path).read().hw.tolist() == [expected_row(event, layout) for event in kept]


@pytest.mark.parametrize(("name", "angles", "suffix"), [("cms_l1_record", "vertex", "AtVtx"), ("ugt", "station", "")])
def test_muon_angles_from_the_other_place(convert, tmp_path, name, angles, suffix):
    events = make_events(40, seed=29)
    folder = write_tree(tmp_path / DATA / "train", events)
    store = convert(folder, layout=name, muon_angles=angles)
    sources = [feature.source for feature in store.own["mu"].features]
    assert sources == ["muonIEt", f"muonIEta{suffix}", f"muonIPhi{suffix}"]
    same(store, events, store.own)
    assert EventStore.open(store.path, named_layout(name)).read().hw.tolist() == store.read().hw.tolist()
    as_it_is = {"vertex": "station", "station": "vertex"}[angles]
    same(convert(folder, layout=name, muon_angles=as_it_is), events, named_layout(name))


def test_muon_angles_that_mean_nothing_are_refused(convert, tmp_path):
    folder = write_tree(tmp_path / DATA / "train", make_events(3, seed=30))
    with pytest.raises(UserError, match="--muon-angles: group 'mu' of layout 'ugt_full' has both; leave the option out"):
        convert(folder, layout="ugt_full", muon_angles="vertex")
    with pytest.raises(UserError, match="--muon-angles: layout 'cms_l1_record' has no eta and phi of muons; leave the option out"):
        convert(folder, layout=named_layout("cms_l1_record").select({"mu": 0}), muon_angles="vertex")


def test_layouts_that_say_nothing_about_the_files_are_refused(convert, tmp_path):
    folder = write_tree(tmp_path / DATA / "train", make_events(3, seed=31))
    with pytest.raises(UserError, match=r"group 'region' of layout 'calo_regions' has no source: .* mapping file"):
        convert(folder, layout="calo_regions")
    layout = Layout(name="x", groups=(Group(name="jet", source="jets", features=(Feature(name="pt", role="energy", bits=11),)),))
    with pytest.raises(UserError, match=r"feature 'pt' of group 'jet' of layout 'x' has no source"):
        convert(folder, layout=layout)


# -- seeds -------------------------------------------------------------------------------------------------------------


def test_an_or_that_disagrees_is_refused(convert, tmp_path):
    for kind, place in (("tree", "seeds/00001.parquet"), ("mirror", "seeds/train-00000-of-00001.parquet")):
        events = make_events(60, seed=32)
        for row in (40, 41, 57):
            events[row]["seeds"]["L1bit"] ^= True
        if kind == "tree":
            folder = write_tree(tmp_path / DATA / "train", events, shards={"seeds": 2})
            rows = "row" + r"s 0 to 29, first in 10 \((true|false)\), 11 \((true|false)\), 27"
        else:
            folder = write_mirror(tmp_path / "mirror" / DATA, "train", events)
            rows = r"rows 0 to 59, first in 40 \((true|false)\), 41 \((true|false)\), 57"
        with pytest.raises(UserError, match=rf"{place}: L1bit is not the OR of the seeds beside it in 3 of {rows}.*without seeds"):
            convert(folder)
        assert not list(tmp_path.glob("out.h5*"))
        without = convert(folder, seeds=())
        assert without.n_events == 60
        without.path.unlink()


def test_a_choice_of_seeds_is_checked_against_all_of_them(convert, tmp_path):
    events = make_events(50, seed=33)
    folder = write_tree(tmp_path / DATA / "train", events)
    store = convert(folder, seeds=[SEEDS[2], SEEDS[0]])
    same(store, events, named_layout("cms_l1_record"))
    assert [name for name in store.extra if name.startswith("seed_")] == sorted(f"seed_{SEEDS[k]}" for k in (0, 2))
    assert not [name for name in convert(folder, seeds=()).extra if name.startswith(("seed_", "l1bit"))]
    with pytest.raises(UserError, match=r"seeds: no seed 'L1_Foo'; there are 4, such as L1_SingleMu22, L1_ETMHF90, L1_HTT360er"):
        convert(folder, seeds=["L1_Foo"])
    with pytest.raises(UserError, match="'L1bit' is the OR of the menu and no seed"):
        convert(folder, seeds=["L1bit"])


def test_menus_of_two_data_sets_are_joined_by_name(convert, tmp_path, caplog):
    first, second = make_events(40, seed=34), make_events(30, seed=35, run=398183, seeds=(*reversed(SEEDS[1:]), "L1_New"))
    interleaved(first, second, seed=36)
    sources = [write_tree(tmp_path / f"ZB_run{e[0]['info']['run']}" / "train", e) for e in (first, second)]
    with caplog.at_level(logging.WARNING, "l1ae"):
        store = convert(*sources)
    same(store, in_study_order(first, second), named_layout("cms_l1_record"))
    assert {name for name in store.extra if name.startswith("seed_")} == {f"seed_{name}" for name in SEEDS[1:]}
    assert "seeds that not all data sets have are left out: L1_New, L1_SingleMu22" in caplog.text
    assert store.provenance["seeds_left_out"] == ["L1_New", "L1_SingleMu22"]


def test_the_or_of_the_mirror_without_its_seeds(convert, tmp_path):
    events = make_events(30, seed=37)
    folder = write_mirror(tmp_path / DATA, "train", events)
    for path in (folder / "seeds").iterdir():
        path.unlink()
    store = convert(folder)
    same(store, events, named_layout("cms_l1_record"))
    assert "l1bit" in store.extra


def test_no_seed_is_called_after_the_or(convert, tmp_path):
    assert not [name for name in convert(write_tree(tmp_path / DATA / "train", make_events(5, seed=38))).extra if "L1bit" in name]


def test_rows_of_the_mirror_that_are_other_events_are_refused(convert, tmp_path):
    events = make_events(30, seed=39)
    folder = write_mirror(tmp_path / DATA, "train", events)
    other = [replace_event(event, 7) if place == 21 else event for place, event in enumerate(events)]
    write_mirror(tmp_path / "other", "train", other)
    (tmp_path / "other" / "seeds" / "train-00000-of-00001.parquet").rename(folder / "seeds" / "train-00000-of-00001.parquet")
    with pytest.raises(
        UserError, match=rf"seeds: row 21: event is 7, but {2**33 + 21} in that row of .*their rows must be the same events"
    ):
        convert(folder, chunk=8)


def replace_event(event, number):
    return event | {"info": event["info"] | {"event": number}}


def test_the_name_of_the_process(convert, tmp_path):
    store = convert(write_tree(tmp_path / DATA / "train", make_events(5, seed=40)), process="zb")
    assert store.processes == ("zb",)
    assert store.read().process.tolist() == [0] * 5
