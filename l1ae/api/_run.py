"""A run folder, opened for a notebook."""

import csv
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from l1ae.baselines import BaselinesResult
from l1ae.config import Config
from l1ae.contract import Contract
from l1ae.errors import UserError
from l1ae.evaluation import Metrics
from l1ae.html import html_table
from l1ae.latent import LatentResult
from l1ae.manifest import Manifest
from l1ae.records import (
    BASELINES,
    CSIM,
    HLS,
    LATENT,
    METRICS,
    RESOURCES,
    RTL,
    RTL_PROOF,
    RTL_VERILOG,
    RTL_VHDL,
    SYNTHESIS,
    TRAINING,
    VERIFICATION,
    HlsSummary,
    ResourcesReport,
    ResultFile,
    SynthesisReport,
    TrainingRecord,
    VerificationReport,
)
from l1ae.rtl_results import RtlProof, RtlReport, RtlSummary
from l1ae.trigger import TriggerResult, load_working_points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from l1ae.agreement import CsimReport
    from l1ae.pipeline import EvaluationScores

__all__ = ["LoadedRun", "load_run"]

Variant = Literal["float", "quantized", "fixed"]


@dataclass(frozen=True, eq=False)
class LoadedRun:
    """A run folder. What a stage left is read when it is first asked for, and held; `load_run` again sees what was made since.

    A stage that has not been made raises `UserError` with the command that makes it; a file that is not as its stage left it raises
    `UserError`, too.

    >>> run = l1ae.load_run(run_folder)
    >>> run.config.name, run.contract.project
    ('density_tree', 'density_tree_v1')
    >>> run.csim
    Traceback (most recent call last):
    l1ae.errors.UserError: '.../csim/report.json' does not exist; run `l1ae csim ...` first
    """

    folder: Path
    config: Config
    _held: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def manifest(self) -> Manifest:
        """What each stage was made from and what it left, by sha256, with versions of tools and the wall time in s."""
        return Manifest.load(self.folder, self.config.project)

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that were made, in the order in which they finished: folders below the run's."""
        records = self.manifest.stages
        return tuple(sorted(records, key=lambda name: records[name].finished))

    @cached_property
    def contract(self) -> Contract:
        """The fixed-point model: `evaluate`, `scores`, `trigger_bits`, `threshold` (in LSB of the score), `operations`, `digest`."""
        self.manifest.check(self.folder, "contract", f"l1ae train {self.folder / 'config.yaml'} --run {self.folder} --resume")
        return Contract.load(self.folder / "contract" / "contract.json")

    @property
    def training(self) -> TrainingRecord:
        """How the training went, or what was imported in place of one."""
        return self._read(TRAINING)

    @cached_property
    def history(self) -> tuple[dict[str, str | float], ...]:
        """One row per epoch: `epoch`, `phase`, `loss`, `validation_loss`, `learning_rate`. Raises `UserError` where nothing was trained."""
        path = self.folder / "train" / "history.csv"
        self.manifest.check_file(self.folder, "train/history.csv", f"l1ae train {self.folder / 'config.yaml'} --run {self.folder}")
        if not path.is_file():
            raise UserError(f"'{path}' does not exist: a {self.config.model.architecture} is not trained in epochs")
        with path.open(newline="") as file:
            return tuple({key: _number(value) for key, value in row.items()} for row in csv.DictReader(file))

    @property
    def metrics(self) -> Metrics:
        """AUC, efficiencies at FPR and at rates in kHz, of every variant, with 68.3 % intervals."""
        return self._read(METRICS)

    @property
    def baselines(self) -> BaselinesResult:
        """What cuts, linear models, forests and trees reach on the same events."""
        return self._read(BASELINES)

    @cached_property
    def working_points(self) -> TriggerResult:
        """Thresholds in LSB of the score for rates in kHz, raw and pure, with intervals, efficiencies and stability."""
        return load_working_points(self.folder / "trigger" / "working_points.json")

    @property
    def hls(self) -> HlsSummary:
        """The HLS project, and its resources where a vendor's report was found."""
        return self._read(HLS)

    @property
    def csim(self) -> "CsimReport":
        """The C simulation against the contract: `mismatches` in `events`, by layer."""
        return self._read(CSIM)

    @property
    def rtl(self) -> RtlSummary:
        """The RTL: latency and interval in clock cycles, stages, files."""
        return self._read(RTL)

    @property
    def rtl_proof(self) -> RtlProof:
        """What was proven of the RTL."""
        return self._read(RTL_PROOF)

    def rtl_simulation(self, language: Literal["verilog", "vhdl"] = "verilog") -> RtlReport:
        """The RTL simulation against the contract, clock by clock: Verilog in Verilator, VHDL in GHDL."""
        places = {"verilog": RTL_VERILOG, "vhdl": RTL_VHDL}
        if language not in places:
            raise UserError(f"there is no RTL in '{language}'; choose verilog or vhdl")
        return self._read(places[language])

    @property
    def synthesis(self) -> SynthesisReport:
        """LUTs, flip-flops and slack in ns as yosys and static timing before placement find them."""
        return self._read(SYNTHESIS)

    @property
    def verification(self) -> VerificationReport:
        """Everything that the run made, compared with the contract on zero-bias crossings."""
        return self._read(VERIFICATION)

    @property
    def latent(self) -> LatentResult:
        """The study of the latent space."""
        return self._read(LATENT)

    @property
    def resources(self) -> ResourcesReport:
        """Resources by stage and tool, and what `budget` makes of them."""
        return self._read(RESOURCES)

    @property
    def report(self) -> Path:
        """The HTML report of the run. Raises `UserError` where there is none."""
        path = self.folder / "report.html"
        if not path.is_file():
            raise UserError(f"'{path}' does not exist; run `l1ae report {self.folder}` first")
        return path

    def scores(self, *variants: Variant) -> "EvaluationScores":
        """Scores (N,) in real units of the test background and every signal, by variant, with groups and weights.

        `variants`: "fixed" (the contract; the default), "float" and "quantized", which need the package that made the model. Held in
        memory. Raises `UserError` where the data set is not there any more.

        >>> found = l1ae.load_run(run_folder).scores()
        >>> len(found.scores["fixed"].background) == len(found.weights["background"])
        True
        """
        chosen = variants or ("fixed",)
        key = f"scores of {' and '.join(chosen)}"
        if key not in self._held:
            from l1ae.pipeline import scores_of

            self._held[key] = scores_of(self.config, self.contract, self.folder / "train", chosen)
        return self._held[key]

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures that `figure` can draw of what the run has so far."""
        from l1ae.api._figures import possible

        return possible(self)

    def figure(self, name: str) -> "Figure":
        """A figure as the report shows it: roc, scores, history, inputs, rates, efficiency, pileup, periods, difference.

        Drawn anew, so that axes can be changed. Raises `UserError` for another name, and where its stage has not been made.

        >>> l1ae.load_run(run_folder).figure("roc").axes[0].get_xscale()
        'log'
        """
        from l1ae.api._figures import draw

        return draw(self, name)

    def _read(self, file: ResultFile[Any]) -> Any:
        if file.place not in self._held:
            self._held[file.place] = file.read(self.folder)
        return self._held[file.place]

    def __repr__(self) -> str:
        return f"LoadedRun({str(self.folder)!r}, {self.config.project}, stages {', '.join(self.stages) or 'none'})"

    def _repr_html_(self) -> str:
        records = self.manifest.stages
        rows = ((name, f"{records[name].seconds:.1f}", records[name].finished) for name in self.stages)
        return html_table(("stage", "wall time [s]", "finished"), rows, caption=f"{self.config.project} in {self.folder}")


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def load_run(folder: str | Path) -> LoadedRun:
    """Open a run folder. Raises `UserError` when it is none, and for a configuration that is damaged.

    >>> l1ae.load_run("nowhere")
    Traceback (most recent call last):
    l1ae.errors.UserError: 'nowhere' is no run folder...
    """
    from l1ae.pipeline import Run

    opened = Run.open(Path(folder))
    return LoadedRun(opened.folder, opened.config)
