"""The kinds of data that can be imported, one record each in one list."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from l1ae.data._adc2021 import describe_adc2021, import_adc2021
from l1ae.data._importing import ImportResult, Progress
from l1ae.data._muon_angles import MuonAngles, with_muon_angles
from l1ae.data.record import describe_record, import_record
from l1ae.data.tables import (
    Plan,
    Table,
    TableMapping,
    describe_tables,
    describe_values,
    flavour_of,
    foreign,
    format_of,
    import_tables,
    is_l1_ntuple,
    load_mapping,
    nanoaod_provenance,
    open_l1_ntuple,
    open_nanoaod,
    open_table,
    plan_mapping,
    warnings_of,
)
from l1ae.documents import read_yaml
from l1ae.errors import UserError
from l1ae.inputs import Layout, layout_names, named_layout
from l1ae.registry import Registry

__all__ = ["READERS", "Reader", "Request", "describe_sources", "import_sources", "reader_of"]

log = logging.getLogger("l1ae")


@dataclass(frozen=True)
class Request:
    """What is to be imported: `sources` into `layout` (None: that of the reader, or of the mapping file), and the options.

    `layout_file` is the file that the layout was read from, where there is one: no output takes its place.
    `seeds` are patterns of the recorded seeds to keep, None for all; `outside_cut` what becomes of events of the public record outside
    its standard cut.
    """

    sources: tuple[Path, ...]
    layout: Layout | None = None
    mapping: Path | None = None
    layout_file: Path | None = None
    sample: str | None = None
    processes: tuple[str, ...] = ()
    split: str | None = None
    muon_angles: MuonAngles | None = None
    seeds: tuple[str, ...] | None = None
    outside_cut: Literal["drop", "keep"] | None = None

    @property
    def options(self) -> dict[str, bool]:
        """Options that only some readers take, and whether each is set."""
        return {
            "processes": bool(self.processes),
            "split": self.split is not None,
            "muon-angles": self.muon_angles is not None,
            "seeds": self.seeds is not None,
            "outside-cut": self.outside_cut is not None,
        }


@dataclass(frozen=True)
class Reader:
    """A kind of data: `layout` is the name of its default, `options` those of `Request.options` that it takes.

    `describe` says what was recognised, with layout, columns and number of events, or None for other files; `run` imports.
    `recognised` is how the data are known, for people.
    """

    name: str
    title: str
    recognised: str
    layout: str | None
    options: frozenset[str]
    describe: Callable[[Request], str | None]
    run: Callable[[Request, Path, Progress | None], ImportResult]


def _layout(request: Request, default: str) -> Layout:
    return request.layout or named_layout(default)


def _describe_record(request: Request) -> str | None:
    text = describe_record(request.sources)
    return None if text is None else f"{text}\nlayout: {_layout(request, 'cms_l1_record').name}"


def _run_record(request: Request, output: Path, progress: Progress | None) -> ImportResult:
    return import_record(
        request.sources,
        output,
        _layout(request, "cms_l1_record"),
        sample=request.sample or output.stem,
        split=request.split,
        muon_angles=request.muon_angles,
        seeds=request.seeds,
        outside_cut=request.outside_cut or "drop",
        progress=progress,
    )


# -- ADC2021 -----------------------------------------------------------------------------------------------------------


def _describe_adc2021(request: Request) -> str | None:
    return describe_adc2021(request.sources, request.layout)


def _run_adc2021(request: Request, output: Path, progress: Progress | None) -> ImportResult:
    return import_adc2021(
        request.sources,
        output,
        _layout(request, "ugt"),
        sample=request.sample or output.stem,
        processes=request.processes,
        split=request.split,
        progress=progress,
    )


# -- ROOT files of the Level-1 trigger ---------------------------------------------------------------------------------

Sources = list[tuple[Table, Plan]]


def _all_root(request: Request, recognise: Callable[[Path], object]) -> bool:
    return all(path.is_file() and format_of(path).name == "root" and recognise(path) for path in request.sources)


def _l1_ntuples(request: Request) -> Sources | None:
    if not _all_root(request, is_l1_ntuple):
        return None
    layout = with_muon_angles(_layout(request, "ugt"), request.muon_angles)
    return [open_l1_ntuple(path, layout, request.seeds) for path in request.sources]


def _describe_l1_ntuple(request: Request) -> str | None:
    sources = _l1_ntuples(request)
    return None if sources is None else describe_tables(sources, "CMS Level-1 ntuple")


def _run_l1_ntuple(request: Request, output: Path, progress: Progress | None) -> ImportResult:
    sources = _l1_ntuples(request)
    assert sources is not None
    return import_tables(_alike(sources), output, importer="l1_ntuple", sample=request.sample or output.stem, progress=progress)


def _nanoaod(request: Request) -> Sources | None:
    if not _all_root(request, flavour_of):
        return None
    layout = with_muon_angles(_layout(request, "ugt"), request.muon_angles)
    return [open_nanoaod(path, layout, request.seeds) for path in request.sources]


def _describe_nanoaod(request: Request) -> str | None:
    sources = _nanoaod(request)
    if sources is None:
        return None
    flavour = flavour_of(request.sources[0])
    assert flavour is not None
    warnings = [f"warning: {text}" for text in warnings_of(request.sources)]
    facts = [f"{name}: {number}" for name, number in nanoaod_provenance(request.sources).items()]
    return "\n".join([describe_tables(sources, flavour.title), *facts, *warnings])


def _run_nanoaod(request: Request, output: Path, progress: Progress | None) -> ImportResult:
    sources = _nanoaod(request)
    assert sources is not None
    for text in warnings_of(request.sources):
        log.warning("%s: %s", request.sources[0], text)
    provenance = nanoaod_provenance(request.sources)
    sample = request.sample or output.stem
    return import_tables(_alike(sources), output, importer="nanoaod", sample=sample, provenance=provenance, progress=progress)


def _alike(sources: Sources) -> Sources:
    """Only the seeds and other columns that all files have, on the type of the first file; the missing ones are named in the log."""
    common = [name for name in sources[0][1].extra if all(name in plan.extra for _, plan in sources)]
    dropped = sorted({name for _, plan in sources for name in plan.extra} - set(common))
    if dropped:
        log.warning("columns that not all files have are left out: %s", ", ".join(dropped))
    return [(table, replace(plan, extra={name: plan.extra[name] for name in common})) for table, plan in sources]


# -- any table ---------------------------------------------------------------------------------------------------------


def _tables(request: Request) -> Sources | None:
    """Tables and plans by a mapping file; without one, by the names of the columns in the layout."""
    if request.mapping is None and request.layout is None:
        return None
    mapping, layout, where = TableMapping(), request.layout, "the columns"
    if request.mapping is not None:
        mapping, own = load_mapping(request.mapping)
        where = str(request.mapping)
        if own is not None and request.layout is not None and own != request.layout:
            raise UserError(f"{where}: its layout is '{own.name}', but --layout is '{request.layout.name}'; give one of them")
        layout = own or request.layout
        if layout is None:
            raise UserError(f"{where}: no layout; add layout: NAME (l1ae data layouts lists them), or give --layout")
    assert layout is not None
    sources = []
    for path in request.sources:
        table = open_table(path, mapping.table, format=mapping.format, delimiter=mapping.delimiter, header=mapping.header)
        sources.append((table, plan_mapping(table, layout, mapping, where)))
    return sources


def _describe_tables(request: Request) -> str | None:
    sources = _tables(request)
    by = f"table, by {request.mapping}" if request.mapping else "table, by the names of its columns"
    return None if sources is None else describe_tables(sources, by)


def _run_tables(request: Request, output: Path, progress: Progress | None) -> ImportResult:
    sources = _tables(request)
    assert sources is not None
    sample = request.sample or output.stem
    provenance = {"mapping": request.mapping.read_text()} if request.mapping else {}
    return import_tables(sources, output, importer="table", sample=sample, split=request.split, provenance=provenance, progress=progress)


_KNOWN = (
    Reader(
        "record",
        "the public CMS Level-1 record (doi:10.5281/zenodo.21787779), as on Zenodo and on its mirror",
        "folders of its data sets",
        "cms_l1_record",
        frozenset({"split", "muon-angles", "seeds", "outside-cut"}),
        _describe_record,
        _run_record,
    ),
    Reader(
        "adc2021",
        "ADC2021 files and arrays made from them",
        "HDF5 with Particles (N, 19, 4); HDF5 or npz with X_train, x_train, Data, ato4l, ... of shape (N, 57), (N, 19, 3) or (N, 19, 3, 1)",
        "ugt",
        frozenset({"processes", "split"}),
        _describe_adc2021,
        _run_adc2021,
    ),
    Reader(
        "l1_ntuple",
        "CMS Level-1 ntuples",
        "ROOT with l1UpgradeTree/L1UpgradeTree or l1UpgradeEmuTree/L1UpgradeTree",
        "ugt",
        frozenset({"muon-angles", "seeds"}),
        _describe_l1_ntuple,
        _run_l1_ntuple,
    ),
    Reader(
        "nanoaod",
        "CMS NanoAOD with Level-1 objects, full, central or of the Level-1 scouting",
        "ROOT with a tree Events that has pt or hwPt of L1Mu, L1EG, L1Jet or L1Tau",
        "ugt",
        frozenset({"muon-angles", "seeds"}),
        _describe_nanoaod,
        _run_nanoaod,
    ),
)
# takes any file
_TABLE = Reader(
    "table",
    "any HDF5, npz, npy, parquet, ROOT or CSV file",
    "a mapping file (--map), or a layout (--layout) whose columns the file has under their names",
    None,
    frozenset({"split"}),
    _describe_tables,
    _run_tables,
)


def _lacks(reader: Reader) -> str:
    if not (reader.title and reader.recognised):
        return "title and recognised must say what the data are, and how they are known"
    unknown = sorted(set(reader.options) - set(Request(()).options))
    if unknown:
        return f"options has '{unknown[0]}', but those of l1ae data import are {', '.join(Request(()).options)}"
    if reader.layout is not None and reader.layout not in layout_names():
        return f"there is no layout '{reader.layout}'; leave it None, and say it in the request"
    return "" if callable(reader.describe) and callable(reader.run) else "it needs describe(request) and run(request, output, progress)"


READERS = Registry("readers", Reader, _KNOWN, last=(_TABLE,), complaint=_lacks)
"""All readers, in the order in which they are asked; the last takes any file."""


def reader_of(request: Request) -> tuple[Reader, str]:
    """The reader for some sources, and its description of them.

    Raises `UserError` for damaged files, for a mapping that does not fit, for an option that the reader does not take, and for
    valid files that none knows: it says what is in them and what to write into a mapping file.
    """
    asked = ("table",) if request.mapping is not None else READERS
    reason = ""
    for reader in (READERS[name] for name in asked):
        try:
            text = reader.describe(request)
        except UserError as error:
            if reader is not _TABLE or request.mapping is not None:
                raise
            reason = str(error)
            break
        if text is not None:
            _check_options(reader, request)
            return reader, text
    known = "; ".join(item.title for item in READERS.values() if item is not _TABLE)
    raise UserError(foreign(request.sources[0], request.layout, known, reason))


def _check_options(reader: Reader, request: Request) -> None:
    for option, given in request.options.items():
        if given and option not in reader.options:
            takes = ", ".join(f"--{name}" for name in sorted(reader.options)) or "none of these options"
            raise UserError(f"--{option} means nothing for {reader.title}, which take {takes}; leave it out")


def describe_sources(request: Request) -> str:
    """What was recognised: format, layout, columns and number of events, of tables their first values too.

    Raises as `import_sources` does.
    """
    reader, text = reader_of(request)
    sources = _tables(request) if reader is _TABLE else None
    return text if sources is None else f"{text}\n{describe_values(sources)}".rstrip()


def _inputs(request: Request) -> list[tuple[Path, str]]:
    """All files that are read, and what they are."""
    files = [(path, "one of the sources") for path in request.sources]
    if request.layout_file is not None:
        files.append((request.layout_file, "the layout file"))
    if request.mapping is not None:
        files.append((request.mapping, "the mapping file"))
        name = read_yaml(request.mapping).get("layout") if request.mapping.is_file() else None
        files += [(request.mapping.parent / name, "the layout file")] if isinstance(name, str) else []
    return files


def import_sources(request: Request, output: Path, *, force: bool = False, progress: Progress | None = None) -> ImportResult:
    """Convert any data that are known, or described by a mapping file, into an event store.

    Raises `UserError` before any work for an output that exists, without `force`, and one that is a source, the mapping file
    or the layout file; and then as the reader.
    """
    output = Path(output)
    for path, what in _inputs(request):
        if path.exists() and output.exists() and path.samefile(output):
            raise UserError(f"{output}: the output is {what}; give it another name")
    if output.exists() and not force:
        raise UserError(f"{output}: exists already; give --force to replace it, or another name with -o")
    reader, _ = reader_of(request)
    return reader.run(request, output, progress)
