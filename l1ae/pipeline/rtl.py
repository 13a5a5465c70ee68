"""RTL of a run: sources, proof and simulation (RUN/rtl), synthesis and timing (RUN/synth).

A module of its own, because it imports everything that makes RTL, which no other stage does.
"""

import logging
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae import __version__
from l1ae.agreement import TensorComparison, compare_tensor
from l1ae.config import Config
from l1ae.contract import Contract
from l1ae.errors import CheckFailedError, UserError
from l1ae.files import user_cache
from l1ae.manifest import digest_tree
from l1ae.pipeline._resources import check_rtl_budget
from l1ae.pipeline._run import Run, digest_json, exclusive
from l1ae.pipeline._samples import csim_sample
from l1ae.pipeline._shared import changed_files, contract_digest, contract_of, data_digests, tell_old_deliveries
from l1ae.progress import task
from l1ae.records import RTL, RTL_PROOF, RTL_VERILOG, RTL_VHDL, SYNTHESIS, SynthesisedDesign, SynthesisedLayer, SynthesisReport
from l1ae.rtl import (
    ADDERS,
    DESCRIPTION,
    Clock,
    Folded,
    Layer,
    RtlProject,
    Unrolled,
    combinational_sources,
    fold,
    layer_of_net,
    open_design,
    primitives,
    prove_linear,
    prove_netlist,
    prove_stages,
    prove_tables,
    prove_text,
    restructured,
    simulate_rtl,
    unroll,
)
from l1ae.rtl_results import LayerAdders, LayerProof, NetlistProof, RtlProof, RtlReport, RtlSummary, StageDelay, TableProof
from l1ae.synth import (
    Part,
    Synthesis,
    analyse_timing,
    available_memory_gb,
    check_effort,
    part_of,
    percent_of,
    synthesise,
)
from l1ae.tools import ghdl

__all__ = ["RtlResult", "Run", "netlist_lines", "proof_lines", "rtl_stage", "synth_stage"]

_log = logging.getLogger("l1ae")

_INTERPRETED_EVENTS = 2_000
_PROOF_SECONDS = 120.0
_SMALL, _VHDL_EVENTS_SMALL, _VHDL_EVENTS = 1_000, 10_000, 500


@dataclass(frozen=True)
class RtlResult:
    """What `rtl_stage` found: the simulation of the Verilog, that of the VHDL if GHDL is there, and what was proven."""

    verilog: RtlReport
    vhdl: RtlReport | None
    proof: RtlProof

    @property
    def passed(self) -> bool:
        """Nothing differs."""
        return self.verilog.passed and (self.vhdl is None or self.vhdl.passed)


# -- rtl -----------------------------------------------------------------------------------------------------------


@exclusive
def rtl_stage(run: Run, *, events: int | None = None) -> RtlResult:
    """Make the RTL of the contract, prove its linear layers, simulate it: RUN/rtl.

    Raises `CheckFailedError` when one bit or clock cycle of the simulation differs; the reports are written all the same.
    When a proof or the interpreter fails it is raised too, and the previous RUN/rtl stays as it was.
    """
    n_events = events or run.config.rtl.events
    contract = contract_of(run)
    if part_of(run.config.rtl_part).delays != "ultrascale+":
        _log.warning("stages are cut by the delays of UltraScale+; '%s' is slower: see the timing of `l1ae synth`", run.config.rtl_part)

    def make(target: Path) -> RtlResult:
        sample = csim_sample(run.config, n_events).hardware
        hardware = np.ascontiguousarray(sample.reshape(len(sample), -1), np.int64)
        made = _make_project(contract, run.config)
        target.rmdir()
        made.project.write(target)
        proof = _prove(contract, made, open_design(target), _spread(hardware, _INTERPRETED_EVENTS))
        RTL.write(target, _summary(made, run.config))
        RTL_PROOF.write(target, proof)
        simulated, vhdl = _simulated(contract, target, hardware, _vhdl_events(run.config, made.project))
        verilog = replace(simulated, layers=proof.interpreter)
        RTL_VERILOG.write(target, verilog)
        if vhdl is not None:
            RTL_VHDL.write(target, vhdl)
        return RtlResult(verilog, vhdl, proof)

    result = run.produce("rtl", rtl_inputs(run, n_events), make)
    if not result.passed:
        run.forget("rtl")
        raise CheckFailedError("\n".join(_problems(result)))
    tell_old_deliveries(run, "rtl", "other RTL")
    return result


def rtl_inputs(run: Run, events: int) -> dict[str, str]:
    """What the RTL and its simulation depend on, the versions that make it included."""
    content = run.config.model_dump(mode="json")
    section = {"rtl": content["rtl"], "data": content["data"], "part": run.config.rtl_part, "clock_period": run.config.rtl_clock_period}
    versions = {"l1ae": __version__, "alkaid": version("alkaid")}
    return contract_digest(run) | data_digests(run.config) | {"config": digest_json(section | versions), "events": str(events)}


def _spread(hardware: npt.NDArray[np.int64], events: int) -> npt.NDArray[np.int64]:
    """Some events of the whole sample, which has the background first."""
    return hardware[np.unique(np.linspace(0, len(hardware) - 1, min(events, len(hardware))).astype(np.intp))]


def clock_of(config: Config) -> Clock:
    return Clock(config.rtl_clock_period, config.rtl.clock_uncertainty, config.rtl.crossings)


def _make_project(contract: Contract, config: Config) -> Unrolled | Folded:
    part = part_of(config.rtl_part).name
    if config.rtl.interval > 1:
        return fold(contract, config.rtl.interval, clock_of(config), part)
    return unroll(contract, clock_of(config), part, config.rtl.adders)


def _prove(contract: Contract, made: Unrolled | Folded, project: RtlProject, hardware: npt.NDArray[np.int64]) -> RtlProof:
    """What is checked without simulating the RTL: proofs of an unrolled design, the interpreter of either."""
    if isinstance(made, Folded):
        score = contract.score
        found = {score.name: np.float64(score.format.lsb) * made.plan.simulate(hardware)[:, None]}
        layers = _interpreted(contract, hardware, found, "the plan of the folded layers")
        return RtlProof(None, None, None, None, len(hardware), layers)
    found = made.graph.evaluate(hardware, [part.name for part in made.graph.parts])
    layers = _interpreted(contract, hardware, found, "alkaid's interpreter")
    return RtlProof(
        linear=prove_linear(contract, made.graph),
        tables=prove_tables(contract, made.graph),
        stages=prove_stages(made.graph, made.pipeline),
        text=prove_text(project, made.pipeline, contract.score.format),
        interpreter_events=len(hardware),
        interpreter=layers,
    )


def _interpreted(
    contract: Contract, hardware: npt.NDArray[np.int64], found: Mapping[str, npt.NDArray[np.float64]], who: str
) -> tuple[TensorComparison, ...]:
    """Tensors that `who` found, in real units, against the contract. Raises `CheckFailedError` when one differs."""
    layers = tuple(
        compare_tensor(name, contract[name].format, contract.evaluate(hardware, [name])[name], values)[0] for name, values in found.items()
    )
    wrong = [layer for layer in layers if layer.mismatches]
    if wrong:
        raise CheckFailedError(f"{who} differs from the contract in layer '{wrong[0].name}': {wrong[0].mismatches} values")
    return layers


def _vhdl_events(config: Config, project: RtlProject) -> int:
    """As configured; else what takes GHDL some ten seconds for a small design, and few for others, which take far longer each."""
    if config.rtl.vhdl_events is not None:
        return config.rtl.vhdl_events
    small = _gate_bits({name: project.files[name] for name in project.verilog}) <= _SMALL
    return _VHDL_EVENTS_SMALL if small else _VHDL_EVENTS


def _simulated(contract: Contract, folder: Path, hardware: npt.NDArray[np.int64], vhdl_events: int) -> tuple[RtlReport, RtlReport | None]:
    """Verilog on all events, VHDL on some of them, at the same time."""
    with ThreadPoolExecutor(2) as pool:
        vhdl = pool.submit(_simulate_vhdl, contract, folder, _spread(hardware, vhdl_events))
        verilog = pool.submit(simulate_rtl, contract, folder, hardware)
        return verilog.result(), vhdl.result()


def _simulate_vhdl(contract: Contract, folder: Path, hardware: npt.NDArray[np.int64]) -> RtlReport | None:
    try:
        ghdl()
    except UserError as error:
        _log.warning("the VHDL was not simulated: %s", error)
        return None
    return simulate_rtl(contract, folder, hardware, language="vhdl")


def _summary(made: Unrolled | Folded, config: Config) -> RtlSummary:
    design = made.project.design
    summary = RtlSummary(
        **vars(design),
        mode="folded" if isinstance(made, Folded) else "unrolled",
        crossings=config.rtl.crossings,
        adders=config.rtl.adders,
        clock_uncertainty=config.rtl.clock_uncertainty,
        latency_ns=design.latency * design.clock_period,
    )
    if isinstance(made, Folded):
        return replace(summary, folded_layers=made.plan.foldings)
    adders = Counter(layer for op, layer in zip(made.graph.logic.ops, made.graph.layers, strict=True) if op.opcode in ADDERS)
    return replace(
        summary,
        register_bits=made.pipeline.register_bits,
        stages=tuple(StageDelay(round(stage.delay, 3), tuple(sorted(set(stage.layers)))) for stage in made.pipeline.stages),
        layers=tuple(LayerAdders(part.name, adders[part.name]) for part in made.graph.parts),
    )


def _problems(result: RtlResult) -> list[str]:
    lines = []
    for report in (result.verilog, result.vhdl):
        if report is not None and not report.passed:
            found = (report.first_mismatch, report.first_violation)
            lines += [report.verdict, *(str(problem) for problem in found if problem is not None)]
    return lines


# -- synthesis -----------------------------------------------------------------------------------------------------


@exclusive
def synth_stage(run: Run, *, per_layer: bool = True, prove: bool = False) -> SynthesisReport:
    """Synthesise RUN/rtl as it lies there, flat and layer by layer, and time the netlist: RUN/synth.

    `prove` compares the netlist of every stage with its RTL. Raises `UserError` when the machine has too little memory, or the
    RTL is that of another contract or configuration; `CheckFailedError` when the RTL is beyond the configuration's budget, after
    everything is written.
    """
    contract = contract_of(run)
    project = open_design(run.path("rtl"))
    changed = tuple(changed_files(run, "rtl"))
    summary = RTL.read(run.folder)
    made = _make_project(contract, run.config)
    if _summary(made, run.config) != summary:
        raise UserError(f"the RTL in '{run.path('rtl')}' is of another contract, configuration or version of l1ae; run `l1ae rtl` again")

    def make(target: Path) -> SynthesisReport:
        started = time.perf_counter()
        part, flow = part_of(project.design.part), _Flow.here(project, contract)
        layers = made.graph.parts if per_layer and isinstance(made, Unrolled) else ()
        synthesis, apart = flow.run(layers)
        naming = (lambda net: layer_of_net(made.pipeline, net)) if isinstance(made, Unrolled) else None
        report = SynthesisReport(
            project=project.design.name,
            stage="synthesis, before placement",
            tool=synthesis.yosys,
            digest=synthesis.digest,
            part=part.name,
            resources=SynthesisedDesign(**_counted(synthesis)),
            percent={name: round(value, 3) for name, value in percent_of(part, synthesis.resources).items()},
            latency_cycles=project.design.latency,
            interval=project.design.interval,
            clock_period=project.design.clock_period,
            timing=analyse_timing(synthesis.netlist, part, layer_of=naming),
            layers=tuple(SynthesisedLayer(name=layer.name, **_counted(found)) for layer, found in zip(layers, apart, strict=True)),
            rtl=summary,
            changed_files=changed,
            proof=flow.prove(part) if prove else None,
            wall_seconds=round(time.perf_counter() - started, 1),
        )
        SYNTHESIS.write(target, report)
        return report

    report = run.produce("synth", synth_inputs(run, per_layer, prove), make)
    wrong = [proof for proof in report.proof or () if proof.verdict == "differs"]
    if wrong:
        run.forget("synth")
        raise CheckFailedError(f"the netlist of '{wrong[0].module}' is not its RTL: {wrong[0].reason}")
    check_rtl_budget(run)
    return report


def synth_inputs(run: Run, per_layer: bool = True, prove: bool = False) -> dict[str, str]:
    """What the synthesis depends on: the sources, and in the description part and clock."""
    files = digest_tree(run.path("rtl")).items()
    sources = {f"rtl/{name}": digest for name, digest in files if name.startswith("verilog/") or name == DESCRIPTION}
    return contract_digest(run) | sources | {"options": f"{per_layer} {prove}"}


# A line of the logic that becomes LUTs: what alkaid instantiates.
_GATES = re.compile(r"wire \[(\d+):0\] v\d+; (?:shift_adder|ternary_adder|negative|multiplier|mux|binop) #")


def _gate_bits(sources: Mapping[str, str]) -> int:
    """Bits of all adders, multiplexers and gates: about the number of LUTs before packing."""
    return sum(int(match[1]) + 1 for text in sources.values() for match in _GATES.finditer(text))


def _counted(synthesis: Synthesis) -> dict[str, Any]:
    """Fields of a `SynthesisedDesign`."""
    run = {"seconds": round(synthesis.seconds, 1), "peak_gb": round(synthesis.peak_gb, 2), "cached": synthesis.cached}
    return vars(synthesis.resources) | run


@dataclass(frozen=True)
class _Flow:
    """Synthesis of one project on this machine."""

    project: RtlProject
    memory_gb: float
    cache: Path
    restructure: bool

    @classmethod
    def here(cls, project: RtlProject, contract: Contract) -> "_Flow":
        return cls(project, available_memory_gb() / 2, user_cache("synth"), restructured(contract))

    @property
    def part(self) -> Part:
        return part_of(self.project.design.part)

    def run(self, layers: Sequence[Layer]) -> tuple[Synthesis, list[Synthesis]]:
        """The whole design, and each layer; two at a time. Raises `UserError` before anything starts when it will not fit."""
        sources = {name: self.project.files[name] for name in self.project.verilog}
        effort = check_effort(_gate_bits(sources), self.memory_gb)
        _log.info("synthesis: about %.1f GB and %.0f s (an upper estimate)", effort.gigabytes, effort.seconds)
        designs = task("yosys", expected=effort.seconds)
        with designs as synthesised, ThreadPoolExecutor(2) as pool:
            synthesised.note = f"the whole design and {len(layers)} layers" if layers else "the whole design"
            whole, apart = pool.submit(self._run, sources, self.project.design.name), pool.map(self._layer, layers)
            try:
                return whole.result(), list(apart)
            except BaseException:
                # what has begun comes to its end, but nothing else begins
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _layer(self, layer: Layer) -> Synthesis:
        """One operation without registers."""
        name = f"layer_{layer.name}"
        return self._run(primitives("v") | combinational_sources([layer.logic], lambda _: name, "v"), name)

    def prove(self, part: Part) -> tuple[NetlistProof, ...]:
        return prove_netlist(
            self.project, part, memory_gb=self.memory_gb, timeout=_PROOF_SECONDS, cache=self.cache, restructure=self.restructure
        )

    def _run(self, sources: dict[str, str], top: str) -> Synthesis:
        return synthesise(sources, top, self.part, dsp=False, memory_gb=self.memory_gb, cache=self.cache, restructure=self.restructure)


def proof_lines(proof: RtlProof) -> list[str]:
    """What was proven, for people."""
    if proof.linear is None or proof.tables is None or proof.stages is None or proof.text is None:
        return ["proof: none for folded layers; the plan's own simulation agrees with the contract"]
    layers, tables = proof.linear.layers, proof.tables.layers
    proven, found = sum(layer.proven for layer in layers), sum(layer.proven for layer in tables)
    looked_up = f" and {found} of {len(tables)} layers of tables" if tables else ""
    lines = [
        f"proof: {proven} of {len(layers)} linear layers{looked_up} for all inputs; "
        f"{proof.stages.stages} stages hold the same {proof.stages.lines} lines; {proof.text.files} Verilog files say so"
    ]
    every: list[LayerProof | TableProof] = [*layers, *tables]
    return lines + [f"  not covered: {layer.name}: {layer.reason}" for layer in every if not layer.proven]


def netlist_lines(proofs: Sequence[NetlistProof] | None) -> list[str]:
    """What `--prove` found, for people."""
    if proofs is None:
        return []
    proven = sum(proof.verdict == "proven" for proof in proofs)
    lines = [f"netlist: {proven} of {len(proofs)} stages proven equivalent to their RTL"]
    return lines + [f"  {proof.module}: {proof.verdict}: {proof.reason}" for proof in proofs if proof.verdict != "proven"]
