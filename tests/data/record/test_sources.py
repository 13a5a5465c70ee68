"""What is recognised, and what users are told about files that are damaged, incomplete or something else."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from l1ae.data import describe_record, import_record
from l1ae.errors import UserError
from l1ae.inputs import named_layout

from .published import DATA, SEEDS, make_events, write_mirror, write_tree


@pytest.fixture
def refused(tmp_path):
    def run(*sources, layout="cms_l1_record", **options):
        with pytest.raises(UserError) as error:
            import_record(sources, tmp_path / "out.h5", named_layout(layout), **({"sample": "zb"} | options))
        assert not list(tmp_path.glob("out.h5*"))
        return str(error.value).replace(f"{tmp_path}/", "")

    return run


def test_a_tree_is_described(tmp_path):
    write_tree(tmp_path / "ZB_run396102" / "train", make_events(30, seed=1), shards={"jets": 2})
    write_tree(tmp_path / "ZB_run396102" / "test", make_events(7, seed=2, split="test"))
    write_tree(tmp_path / "ZB_run398183" / "train", make_events(5, seed=3, seeds=SEEDS[:2]))
    text = describe_record([tmp_path / "ZB_run398183", tmp_path / "ZB_run396102"])
    found = "ET, FET, FHT, HT, MET, MHT, egammas, jets, muons, taus"
    assert text == (
        "public CMS Level-1 record, as on Zenodo, a folder per object\n"
        f"  ZB_run396102, train: 30 events, {found}; 4 seeds and L1bit\n"
        f"  ZB_run398183, train: 5 events, {found}; 2 seeds and L1bit\n"
        f"  ZB_run396102, test: 7 events, {found}; 4 seeds and L1bit\n"
        "  42 events in all"
    )


def test_the_mirror_is_described(tmp_path):
    folder = write_mirror(tmp_path / DATA, "valid", make_events(30, seed=1, split="valid"), shards=2)
    text = describe_record([folder])
    assert text is not None
    assert text.splitlines()[0] == "public CMS Level-1 record, as on its mirror, one row per event"
    assert "ZB_run396102, valid: 30 events" in text
    assert "15 events in all" in str(describe_record([folder / "valid-00001-of-00002.parquet"]))


def test_what_is_something_else_is_left_to_others(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    assert describe_record([folder]) is None
    pq.write_table(pa.table({"MET_pt": [1.0], "nMuon": [0]}), folder / "nano.parquet")
    pq.write_table(pa.table({"MET_pt": [1.0], "nMuon": [0]}), folder / "train-00000-of-00001.parquet")
    (folder / "file.h5").write_bytes(b"hdf")
    for sources in (
        [folder],
        [folder / "nano.parquet"],
        [folder / "train-00000-of-00001.parquet"],
        [folder / "file.h5"],
        [folder / "no"],
        [],
    ):
        assert describe_record(sources) is None
    write_mirror(tmp_path / DATA, "train", make_events(3, seed=1))
    assert describe_record([tmp_path / DATA, folder]) is None


def test_something_else_is_refused_with_what_would_be_right(refused, tmp_path):
    (tmp_path / "other").mkdir()
    message = refused(tmp_path / "other")
    assert message.startswith("other: nothing of the public CMS Level-1 record; give folders of data sets")
    assert "other files need a mapping file" in message


def test_a_folder_of_data_sets_is_not_one_sample(refused, tmp_path):
    for name in ("ggH-suep-decay", "haa-4b-ma15"):
        write_tree(tmp_path / "signal" / name / "valid", make_events(3, seed=1, split="valid"))
        write_mirror(tmp_path / "data" / name, "valid", make_events(3, seed=1, split="valid"))
    for folder in ("signal", "data"):
        assert refused(tmp_path / folder) == (
            f"{folder}: holds 2 data sets (ggH-suep-decay, haa-4b-ma15); name those that make one store, for example "
            f"{folder}/ggH-suep-decay"
        )


def test_what_is_given_twice_is_refused(refused, tmp_path):
    write_tree(tmp_path / DATA / "train", make_events(3, seed=1))
    assert refused(tmp_path / DATA, tmp_path / DATA / "train") == f"{DATA}/train: given twice, or a folder and a part of it; give each once"


def test_splits_that_are_not_there(refused, tmp_path):
    folder = write_tree(tmp_path / "smj-case-A" / "valid", make_events(3, seed=1, split="valid")).parent
    assert refused(folder, split="train") == (
        "no events of split 'train' in smj-case-A (found: smj-case-A valid); the simulated samples have valid and test only"
    )
    assert refused(folder, split="half") == "split 'half' is unknown; the record has train, valid, test"


def test_events_of_another_split_are_refused(refused, tmp_path):
    folder = write_tree(tmp_path / DATA / "train", make_events(3, seed=1, split="valid"))
    message = refused(folder)
    assert message.startswith(f"{DATA}/train/event_info/00000.parquet: column 'split' says 'valid' in rows 0 to 2, expected 'train'")
    odd = write_tree(tmp_path / "odd", make_events(3, seed=1, split="half"))
    assert "column 'split' says 'half' in rows 0 to 2, expected one of train, valid, test in odd" in refused(odd)


@pytest.mark.parametrize("name", ["FET", "egammas", "muons", "jets", "taus"])
def test_a_missing_collection(refused, tmp_path, name):
    events = make_events(5, seed=1)
    for event in events:
        del event[name]
    group = {"FET": "met_hf", "egammas": "eg", "muons": "mu", "jets": "jet", "taus": "tau"}[name]
    for source in (write_tree(tmp_path / DATA / "train", events), write_mirror(tmp_path / "mirror" / DATA, "train", events)):
        message = refused(source)
        assert f"no collection '{name}', which group '{group}' of layout 'cms_l1_record' comes from (found: ET, " in message
        assert message.endswith("; download it, or leave the group out of the layout")


def test_missing_event_info(refused, tmp_path):
    events = make_events(5, seed=1)
    for event in events:
        del event["info"]
    folder = write_tree(tmp_path / DATA / "train", events)
    assert refused(folder).startswith(f"{DATA}/train/event_info: no such folder, or no parquet files in it; download it")


def test_missing_columns(refused, tmp_path):
    events = make_events(5, seed=1)
    for event in events:
        del event["jets"]["jetIEta"]
    assert refused(write_tree(tmp_path / DATA / "train", events)) == (
        f"{DATA}/train/jets/00000.parquet: no column 'jetIEta' (found: jetIEt, jetIPhi, jetHwQual, jetRawEt); "
        "is this file of another data set?"
    )
    mirror = refused(write_mirror(tmp_path / "mirror" / DATA, "train", events))
    assert mirror.startswith(f"mirror/{DATA}/train-00000-of-00001.parquet: no column 'jets_jetIEta' (found: ")


def test_other_numbers_of_rows(refused, tmp_path):
    events = make_events(30, seed=1)
    folder = write_tree(tmp_path / DATA / "train", events, shards={"jets": 2})
    (folder / "jets" / "00001.parquet").unlink()
    assert refused(folder) == (
        f"{DATA}/train/jets: 15 rows in all, but {DATA}/train/event_info has 30; 00000.parquet has 15 rows in one and 30 in the other; "
        "their rows must be the same events: download both again"
    )
    folder = write_tree(tmp_path / "more" / "train", events, shards=3)
    (folder / "muons" / "00001.parquet").unlink()
    assert "muons: 20 rows in all, but more/train/event_info has 30; only one of them has 00001.parquet; " in refused(folder)
    mirror = write_mirror(tmp_path / "mirror" / DATA, "train", events, shards=2)
    write_mirror(tmp_path / "short" / DATA, "train", events[:29])
    (tmp_path / "short" / DATA / "seeds" / "train-00000-of-00001.parquet").rename(mirror / "seeds" / "train-00000-of-00001.parquet")
    assert f"mirror/{DATA}/seeds: 29 rows in all, but mirror/{DATA} has 30" in refused(mirror)


@pytest.mark.parametrize(
    ("name", "column", "value", "message"),
    [
        ("egammas", "egIEt", [512], "egIEt = 512 is outside its hardware range [0, 511]; are these hardware integers?"),
        ("egammas", "egIEt", [-1], "egIEt = -1 is outside its hardware range [0, 511]; are these hardware integers?"),
        ("jets", "jetIEta", [128], "jetIEta = 128 is outside its hardware range [-128, 127]; are these hardware integers?"),
        ("jets", "jetIPhi", [144], "jetIPhi = 144 is outside its hardware range [0, 143]; are these hardware integers?"),
        ("muons", "muonIPhi", [-1], "muonIPhi = -1 is outside its hardware range [0, 575]; are these hardware integers?"),
        ("FET", "Et", [4096], "Et = 4096 is outside its hardware range [0, 4095]; are these hardware integers?"),
        ("FET", "Et", [1, 2], "Et holds 2 values, expected one"),
        ("jets", "jetIPhi", [1, 2], "jetIEt holds 1 values but jetIPhi 2; they must describe the same objects"),
        ("egammas", "egIEt", None, "egIEt is missing (null)"),
        ("egammas", "egIEta", [None], "egIEta has a missing (null) value"),
        ("info", "bx", [], "bx holds 0 values, expected one"),
        ("info", "bx", [None], "bx has a missing (null) value"),
        ("seeds", "L1_ETMHF90", [True, True], "L1_ETMHF90 holds 2 values, expected one"),
    ],
)
def test_bad_values_are_located(refused, tmp_path, name, column, value, message):
    events = make_events(80, seed=1)
    row = 67  # row 27 of the second file
    if name in {"egammas", "jets", "muons"}:
        events[row][name] = {key: [1] for key in events[row][name]}
    folder = write_tree(tmp_path / DATA / "train", events, shards=2)
    path = folder / {"info": "event_info"}.get(name, name) / "00001.parquet"
    table = pq.read_table(path)
    kind = table.schema.field(column).type.value_type
    values = table.column(column).to_pylist()
    values[27] = value
    pq.write_table(table.set_column(table.schema.get_field_index(column), column, pa.array(values, pa.large_list(kind))), path)
    assert refused(folder, chunk=13) == f"{DATA}/train/{path.parent.name}/00001.parquet: row 27: {message}"


def test_the_row_of_a_bad_value_in_the_mirror(refused, tmp_path):
    events = make_events(80, seed=1)
    events[67]["jets"] = {key: [1] for key in events[67]["jets"]} | {"jetIPhi": [150]}
    folder = write_mirror(tmp_path / DATA, "train", events, shards=2)
    assert refused(folder, chunk=13).startswith(f"{DATA}/train-00001-of-00002.parquet: row 27: jets_jetIPhi = 150 is outside")


@pytest.mark.parametrize(
    ("values", "kind"),
    [([[1.5], [2.0]], "list<element: double>"), ([["a"], ["b"]], "list<element: string>"), ([[True], [False]], "list<element: bool>")],
)
def test_wrong_types(refused, tmp_path, values, kind):
    folder = write_tree(tmp_path / DATA / "train", make_events(2, seed=1))
    path = folder / "egammas" / "00000.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.schema.get_field_index("egIEt"), "egIEt", pa.array(values)), path)
    assert refused(folder) == (
        f"{DATA}/train/egammas/00000.parquet: column 'egIEt' is {kind}, expected lists of hardware integers; "
        "was this file made by another program?"
    )


@pytest.mark.parametrize("kept", [0, 3, 0.5, 0.99])
def test_truncated_files(refused, tmp_path, kept):
    events = make_events(300, seed=1)
    folder = write_tree(tmp_path / DATA / "train", events)
    mirror = write_mirror(tmp_path / "mirror" / DATA, "train", events)
    for path, source in ((folder / "jets" / "00000.parquet", folder), (mirror / "train-00000-of-00001.parquet", mirror)):
        content = path.read_bytes()
        path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
        message = refused(source)
        assert message.startswith(f"{path.relative_to(tmp_path)}: cannot be read (")
        assert message.endswith("; the file is truncated or damaged: download or copy it again")


def test_damage_inside_a_file(refused, tmp_path):
    folder = write_tree(tmp_path / DATA / "train", make_events(300, seed=1), row_group=100)
    path = folder / "jets" / "00000.parquet"
    offset = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    content = bytearray(path.read_bytes())
    content[offset : offset + 40] = b"\xff" * 40
    path.write_bytes(content)
    assert refused(folder, chunk=50).startswith(f"{DATA}/train/jets/00000.parquet: cannot be read (")
