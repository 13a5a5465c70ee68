"""Test benches that a delivery brings along: its VHDL in GHDL on its own vectors, run by `sim/Makefile`."""

from collections.abc import Sequence
from dataclasses import dataclass

from l1ae.delivery._source import Provenance
from l1ae.delivery._templates import render

__all__ = ["Bench", "sim_files"]


@dataclass(frozen=True)
class Bench:
    """A bench and what it is run on, once for every file.

    `sources`: paths of the VHDL in the delivery, in order of compilation; `own`: texts that come to `sim/`, the entity
    PROJECT_bench last. FILES of the makefile are those that match `vectors` but not `without`. `generics`: options
    for one file, the shell's `$$file`, seen from `build/sim`.
    """

    sources: Sequence[str]
    own: dict[str, str]
    vectors: str
    generics: str
    without: str = ""


def sim_files(provenance: Provenance, bench: Bench) -> dict[str, str]:
    """`sim/` by path in the delivery: the texts of the bench, and the makefile that compiles and runs it."""
    own = {f"sim/{name}": text for name, text in bench.own.items()}
    values = {key: getattr(bench, key) for key in ("vectors", "generics", "without")}
    # what the sources need of another's library comes before them, the bench after
    sources = [*list(own)[:-1], *bench.sources, list(own)[-1]]
    makefile = render("sim/Makefile.j2", **values, sources=sources, bench=f"{provenance.project}_bench")
    return own | {"sim/Makefile": provenance.header("#", "simulation") + makefile}
