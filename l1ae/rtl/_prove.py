"""What is proven of a design, complete over all inputs: contract, adder graph, pipeline, Verilog, netlist, one against the next."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path

from l1ae.contract import Contract
from l1ae.errors import CheckFailedError
from l1ae.rtl._project import RtlProject
from l1ae.rtl._prove_linear import LinearProof, prove_linear
from l1ae.rtl._prove_netlist import NetlistProof
from l1ae.rtl._prove_stages import StageProof, prove_stages
from l1ae.rtl._prove_text import TextProof, prove_text
from l1ae.rtl._unroll import Unrolled

__all__ = ["Proof", "compare_files", "prove"]


@dataclass(frozen=True)
class Proof:
    """What was shown for the contract of `digest`; `netlist` is empty until somebody runs `prove_netlist`."""

    digest: str
    linear: LinearProof
    stages: StageProof
    text: TextProof
    netlist: tuple[NetlistProof, ...] = ()

    @property
    def verdict(self) -> str:
        """One line for the log and the report."""
        layers = self.linear.layers
        text = f"proof: {sum(layer.proven for layer in layers)} of {len(layers)} linear layers"
        text += f", {self.stages.lines} lines in {self.stages.stages} stages, {self.text.lines} lines of Verilog"
        if self.netlist:
            text += f", {sum(p.verdict == 'proven' for p in self.netlist)} of {len(self.netlist)} stages of the netlist"
        return text

    def check(self) -> None:
        """Raise `CheckFailedError` if a netlist differs; what did not finish is no failure."""
        if differs := [p.module for p in self.netlist if p.verdict == "differs"]:
            raise CheckFailedError(f"netlists are not equivalent to their RTL: {', '.join(differs)}")

    def write(self, path: Path) -> None:
        """Write everything as JSON, under a temporary name first."""
        temporary = path.with_name(path.name + ".tmp")
        temporary.write_text(json.dumps({"verdict": self.verdict, **asdict(self)}, indent=1) + "\n")
        temporary.rename(path)


def prove(contract: Contract, unrolled: Unrolled, project: RtlProject, netlist: Sequence[NetlistProof] = ()) -> Proof:
    """Prove linear layers, pipeline and Verilog; `project` holds the files as they lie on disk, `unrolled` what they came from.

    What is not covered: operations that are not linear (rounding, saturation, tables, squares: the simulation compares
    them), the modules of alkaid that the Verilog instantiates (`prove_netlist` reads, but does not question them), and the
    VHDL, of which only `compare_files` sees a change. Raises `CheckFailedError` at the first thing that is wrong.
    """
    compare_files(project, unrolled.project)
    linear = prove_linear(contract, unrolled.graph)
    stages = prove_stages(unrolled.graph, unrolled.pipeline)
    text = prove_text(project, unrolled.pipeline, contract.score.format)
    return Proof(contract.digest, linear, stages, text, tuple(netlist))


def compare_files(project: RtlProject, fresh: RtlProject) -> None:
    """Raise `CheckFailedError` naming file and line unless all files are as generated now."""
    for name in (*fresh.verilog, *fresh.vhdl):
        if name not in project.files:
            raise CheckFailedError(f"'{name}' is missing; run `l1ae rtl` again")
        lines = zip_longest(project.files[name].split("\n"), fresh.files[name].split("\n"))
        for number, (found, wanted) in enumerate(lines, 1):
            if found != wanted:
                raise CheckFailedError(f"'{name}' is not what the contract gives: line {number} is '{found}' instead of '{wanted}'")
    if more := sorted({*project.verilog, *project.vhdl} - {*fresh.verilog, *fresh.vhdl}):
        raise CheckFailedError(f"'{more[0]}' does not belong to this design; run `l1ae rtl` again")
