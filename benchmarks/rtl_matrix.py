"""Take six models to RTL, simulate them, plant faults, and write the table of docs/rtl_matrix.md.

    python benchmarks/rtl_matrix.py [--runs RUNS] [--models NAME ...] [--events N] [--no-synthesis] [--output FILE]

A model whose run folder in RUNS holds a contract is taken as it is, others are trained on the data that come with l1ae.
Finished stages are not made again, so that an interrupted matrix goes on where it was.
"""

import argparse
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import command
from results import publish

from l1ae.config import load_config
from l1ae.contract import Contract
from l1ae.pipeline import Run, csim_sample, train_stage
from l1ae.pipeline.rtl import rtl_inputs, rtl_stage, synth_inputs, synth_stage
from l1ae.rtl import open_design, simulate_rtl

MODELS = ("dnn_ae", "vae_mu2", "dnn_vae", "cms_latent_ae", "small_cnn_vae", "cnn_vae")
FAULT_EVENTS = 500

_ADDER = re.compile(r"shift_adder #\(([^)]*)\)")
_STAGE = re.compile(r" +stage(\d+)_in <= (stage\d+_out);\n")
_DELAY = re.compile(r"\.CLOCKS\((\d+)\)")
_RESET = "if (rst) in_flight <= 0;"

Files = Mapping[str, str]
Edit = tuple[str, str]


def _change_adder(files: Files, position: int, change: Callable[[int], int]) -> Edit:
    """Change one parameter of the adder in the middle of the file with most adders."""
    path = max(files, key=lambda name: len(_ADDER.findall(files[name])))
    found = list(_ADDER.finditer(files[path]))[len(_ADDER.findall(files[path])) // 2]
    values = [int(value) for value in found[1].split(",")]
    values[position] = change(values[position])
    text = files[path]
    return path, text[: found.start(1)] + ",".join(map(str, values)) + text[found.end(1) :]


def _coefficient(files: Files) -> Edit:
    """A sign: an addition becomes a subtraction or the reverse."""
    return _change_adder(files, 7, lambda subtracts: 1 - subtracts)


def _shift(files: Files) -> Edit:
    return _change_adder(files, 6, lambda shift: shift + 1)


def _register(files: Files) -> Edit:
    """A row of registers in the middle of the pipeline becomes wires; in a folded design a delay loses one."""
    path = next(name for name in files if name.endswith("_core.v"))
    text = files[path]
    rows = list(_STAGE.finditer(text))
    if rows:
        row = rows[len(rows) // 2]
        wire = f"    always @(*) stage{row[1]}_in = {row[2]};\n"
        return path, text[: row.start()] + text[row.end() :].replace("    assign score", wire + "    assign score")
    delays = [delay for delay in _DELAY.finditer(text) if int(delay[1]) > 1]
    delay = delays[len(delays) // 2]
    return path, text[: delay.start(1)] + str(int(delay[1]) - 1) + text[delay.end(1) :]


def _reset(files: Files) -> Edit:
    path = next(name for name in files if name.endswith("l1ae_trigger.v"))
    assert _RESET in files[path]
    return path, files[path].replace(_RESET, "if (1'b0) in_flight <= 0;")


FAULTS = {"coefficient": _coefficient, "shift": _shift, "register removed": _register, "reset ignored": _reset}


def plant(run: Run, contract: Contract) -> dict[str, bool]:
    """By fault: whether the simulation of the Verilog saw it."""
    sample = csim_sample(run.config, FAULT_EVENTS).hardware
    caught = {}
    for name, fault in FAULTS.items():
        with tempfile.TemporaryDirectory(prefix="l1ae-fault-") as scratch:
            folder = Path(scratch) / "rtl"
            shutil.copytree(run.path("rtl"), folder)
            project = open_design(folder)
            path, text = fault({name: project.files[name] for name in project.verilog})
            assert text != project.files[path]
            (folder / path).write_text(text)
            caught[name] = not simulate_rtl(contract, folder, sample.reshape(len(sample), -1)).passed
        print(f"  fault '{name}': {'caught' if caught[name] else 'NOT CAUGHT'}", flush=True)
    return caught


def sources_digest(run: Run) -> str:
    """sha256 of the Verilog."""
    project = open_design(run.path("rtl"))
    return hashlib.sha256("".join(project.files[name] for name in project.verilog).encode()).hexdigest()


def measure(name: str, runs: Path, events: int, synthesis: bool) -> dict[str, Any]:
    """All stages of one model and what they found."""
    folder = runs / name
    if not (folder / "contract" / "contract.json").is_file():
        train_stage(load_config(Path("configs") / f"{name}.yaml"), folder)
    run = Run.open(folder)
    if not run.is_current("rtl", rtl_inputs(run, events)):
        rtl_stage(run, events=events)
    if synthesis and not run.is_current("synth", synth_inputs(run, per_layer=False)):
        synth_stage(run, per_layer=False)
    contract = Contract.load(run.path("contract") / "contract.json")
    faults, digest = run.folder / "rtl_faults.json", sources_digest(run)
    if not faults.is_file() or json.loads(faults.read_text())["digest"] != digest:
        faults.write_text(json.dumps({"digest": digest, "caught": plant(run, contract)}) + "\n")
    files = {"summary": "rtl/summary.json", "verilog": "rtl/report.json", "vhdl": "rtl/report_vhdl.json", "proof": "rtl/proof.json"}
    files |= {"synth": "synth/report.json", "faults": "rtl_faults.json"}
    return {key: json.loads((folder / file).read_text()) if (folder / file).is_file() else None for key, file in files.items()}


HEADER = """# Models as RTL

Made by `make rtl-matrix`. Differing bits: score and trigger bit of every event and corner vector, back to back, with gaps and
with resets, in Verilator (Verilog) and GHDL (VHDL); interpreter: every tensor of every layer in alkaid's, of folded designs (II
above 1) the score in a simulation of the plan. Faults planted in the Verilog, each by itself: a sign of a coefficient, a
shift, a row of pipeline registers removed, the reset ignored.

<!-- results: rtl_matrix#bits -->
| model | II | cycles | ns | interpreter | Verilator: differing of events + corner vectors | GHDL | linear layers proven | faults caught |
|---|---|---|---|---|---|---|---|---|
"""
RESOURCES = """
Resources and timing before placement (`l1ae synth`; part and clock as in the configuration). Packed LUTs are an
estimate; the band is optimistic / typical / pessimistic.

<!-- results: rtl_matrix#resources -->
| model | part | clock, ns | LUT | LUT packed | FF | CARRY4 | DSP | BRAM36 | slowest path, ns |
|---|---|---|---|---|---|---|---|---|---|
"""


def row(name: str, found: Mapping[str, Any]) -> str:
    """One line of the first table."""
    summary, verilog, vhdl, linear = found["summary"], found["verilog"], found["vhdl"], found["proof"]["linear"]
    compared = f"{verilog['mismatches']} of {verilog['events'] + verilog['corner_vectors']:,}"
    other = "not installed" if vhdl is None else f"{vhdl['mismatches']} of {vhdl['events'] + vhdl['corner_vectors']:,}"
    interpreter = sum(layer["mismatches"] for layer in found["proof"]["interpreter"])
    proven = "–" if linear is None else f"{sum(layer['proven'] for layer in linear['layers'])} of {len(linear['layers'])}"
    caught = found["faults"]["caught"]
    cells = [
        f"`{name}`", summary["interval"], summary["latency"], f"{summary['latency_ns']:g}", interpreter, compared, other, proven,
        f"{sum(caught.values())} of {len(caught)}",
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def resources(name: str, report: Mapping[str, Any]) -> str:
    """One line of the second table."""
    used, timing = report["resources"], report["timing"]
    extra = used["memory_luts"] + used["shift_registers"]
    band = " / ".join(f"{timing[key]['ns']:.2f}" for key in ("optimistic", "typical", "pessimistic"))
    cells = [
        f"`{name}`", report["part"], f"{report['clock_period']:g}", f"{used['luts'] + extra:,}", f"{used['luts_packed'] + extra:,}",
        f"{used['flip_flops']:,}", f"{used['carry4']:,}", used["dsp"], f"{used['bram36']:g}", band,
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Write the page after every model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs/rtl"))
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--no-synthesis", action="store_true")
    parser.add_argument("--output", type=Path, default=Path("docs/rtl_matrix.md"))
    options = parser.parse_args()
    lines, others = [], []
    for name in options.models:
        print(name, flush=True)
        found = measure(name, options.runs, options.events, not options.no_synthesis)
        lines.append(row(name, found))
        if found["synth"] is not None:
            others.append(resources(name, found["synth"]))
        text = HEADER + "\n".join(lines) + "\n" + (RESOURCES + "\n".join(others) + "\n" if others else "")
        publish(options.output, text, "python benchmarks/rtl_matrix.py")
    print(options.output.read_text())


if __name__ == "__main__":
    command.run(main)
