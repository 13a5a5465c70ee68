"""What is generated: processes (Pythia settings), samples (mixtures of processes) and the detector, all frozen and recorded.

The numbers follow the public ADC2021 data sets (arXiv:2107.02157) as far as those are documented, and the CMS card of
Delphes 3 (JHEP 02 (2014) 057) for resolutions and efficiencies. Samples made with them are ADC2021-like, never a reproduction.
"""

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from l1ae.data.generator._bins import (
    CALORIMETER_REACH,
    CalorimeterBin,
    CalorimeterBins,
    Frozen,
    RegionBin,
    RegionBins,
    TrackBin,
    TrackBins,
    efficiency,
)
from l1ae.data.generator._readout_config import FullConfig, RegionConfig
from l1ae.errors import UserError
from l1ae.inputs import Layout, named_layout
from l1ae.schema import Unit

__all__ = [
    "CALORIMETER_REACH",
    "PILEUP",
    "PROCESSES",
    "SAMPLES",
    "ZERO_BIAS",
    "CalorimeterBin",
    "CollisionClass",
    "DetectorConfig",
    "FullConfig",
    "GeneratorConfig",
    "PileupConfig",
    "ProcessConfig",
    "RegionBin",
    "RegionConfig",
    "SemileptonicConfig",
    "TrackBin",
    "TruthFilter",
    "ZeroBiasConfig",
]

PILEUP = "pileup"
"""Name under which the library of inelastic collisions is kept among the processes."""

# Raised whenever the meaning of a file of shards changes, so that old shards are not mistaken for new ones.
_SHARD_FORMAT = 1


class DetectorConfig(Frozen):
    """Detector model, pileup and the preselection of the trigger lepton. Momenta in GeV. Beyond the last bin its values hold."""

    pileup_mean: Annotated[float, Unit("collisions")] = Field(20.0, ge=0, description="Poisson mean of overlaid inelastic collisions")
    underlying_event_mean: Annotated[float, Unit("collisions")] = Field(
        2.5, ge=0, description="Poisson mean of inelastic collisions added to the hard vertex in place of multi-parton interactions"
    )
    charged_pileup_removed: bool = Field(
        True, description="charged pileup inside the tracker is subtracted, as by charged-hadron subtraction"
    )

    trigger_pt: Annotated[float | None, Unit("GeV")] = Field(
        23.0, gt=0, description="an event needs one isolated electron or muon above it; null: no selection"
    )
    isolation_cone: float = Field(0.3, gt=0, description="radius in (eta, phi)")
    isolation_max: float = Field(0.45, gt=0, description="largest pT sum in the cone over the lepton's pT")
    isolation_min_pt: Annotated[float, Unit("GeV")] = Field(0.5, ge=0, description="softer particles do not count for isolation")
    isolate_all_leptons: bool = Field(False, description="false: only the trigger lepton must be isolated")
    lepton_pt: Annotated[float, Unit("GeV")] = Field(3.0, gt=0, description="softer leptons are no objects")
    electron_eta: float = Field(3.0, gt=0, description="largest |eta| of electrons")
    muon_eta: float = Field(2.1, gt=0, description="largest |eta| of muons")

    jet_radius: float = Field(0.4, gt=0, description="of anti-kT, in (eta, phi)")
    jet_pt: Annotated[float, Unit("GeV")] = Field(15.0, gt=0, description="after the subtraction of the median density")
    jet_eta: float = Field(4.0, gt=0, description="largest |eta| of jets")
    subtract_density: bool = Field(True, description="the median density is subtracted from jets")
    isolated_leptons_in_jets: bool = Field(False, description="false: isolated leptons are taken out before clustering")

    tracker_eta: float = Field(4.0, gt=0, description="largest |eta| of tracks")
    track_min_pt: Annotated[float, Unit("GeV")] = Field(0.4, ge=0, description="softer particles leave no track")
    hadron_tracking: RegionBins = Field(efficiency(0.95, 0.88), description="probability of a track of a charged hadron")
    electron_tracking: RegionBins = Field(efficiency(0.95, 0.88), description="probability of a track of an electron")
    muon_tracking: RegionBins = Field(efficiency(0.97, 0.95), description="probability of a track of a muon")
    electron_identification: RegionBins = Field(
        efficiency(0.95, 0.88), description="probability that an electron with a track is identified"
    )
    muon_identification: RegionBins = Field(efficiency(0.97, 0.97), description="probability that a muon with a track is identified")
    photon_efficiency: RegionBins = Field(efficiency(0.97, 0.93), description="probability that a photon is measured")

    hadron_track: TrackBins = Field(
        (
            TrackBin(eta_max=0.5, constant=0.015, slope=1.3e-3),
            TrackBin(eta_max=1.5, constant=0.0225, slope=1.7e-3),
            TrackBin(eta_max=CALORIMETER_REACH, constant=0.045, slope=3.1e-3),
        ),
        description="resolution of pT of charged hadrons",
    )
    muon_track: TrackBins = Field(
        (
            TrackBin(eta_max=0.5, constant=0.010, slope=1.0e-4),
            TrackBin(eta_max=1.5, constant=0.015, slope=1.5e-4),
            TrackBin(eta_max=CALORIMETER_REACH, constant=0.025, slope=3.5e-4),
        ),
        description="resolution of pT of muons",
    )
    electromagnetic: CalorimeterBins = Field(
        (
            CalorimeterBin(eta_max=1.5, constant=0.008, stochastic=0.11, noise=0.40),
            CalorimeterBin(eta_max=3.0, constant=0.012, stochastic=0.20, noise=0.55),
            CalorimeterBin(eta_max=CALORIMETER_REACH, constant=0.107, stochastic=2.08),
        ),
        description="resolution of electrons and photons",
    )
    hadronic: CalorimeterBins = Field(
        (
            CalorimeterBin(eta_max=3.0, constant=0.05, stochastic=1.5),
            CalorimeterBin(eta_max=CALORIMETER_REACH, constant=0.13, stochastic=2.7),
        ),
        description="resolution of hadrons",
    )
    electromagnetic_min_energy: Annotated[float, Unit("GeV")] = Field(
        0.5, ge=0, description="electromagnetic energy below it is not measured"
    )
    hadronic_min_energy: Annotated[float, Unit("GeV")] = Field(1.0, ge=0, description="hadronic energy below it is not measured")


class TruthFilter(Frozen):
    """Which truth events are kept: those with an electron or muon that the detector could turn into the trigger lepton."""

    lepton_pt: Annotated[float, Unit("GeV")] = Field(18.0, gt=0, description="below the trigger threshold by a few resolutions")
    electron_eta: float = Field(3.1, gt=0, description="largest |eta| of electrons")
    muon_eta: float = Field(2.2, gt=0, description="largest |eta| of muons")


class SemileptonicConfig(Frozen):
    """How leptons from b and c hadrons are enriched without weights; see `l1ae.data.generator._semileptonic`. Momenta in GeV."""

    quark_pt: Annotated[float, Unit("GeV")] = Field(29.0, gt=0, description="a b or c quark must be harder")
    hadron_pt: Annotated[float, Unit("GeV")] = Field(26.0, gt=0, description="hadrons whose decay is forced must be harder")
    lepton_pt: Annotated[float, Unit("GeV")] = Field(21.0, gt=0, description="the lepton must be harder")
    isolation: float = Field(0.7, gt=0, description="largest truth-level isolation, looser than the detector's")
    isolation_cone: float = Field(0.3, gt=0, description="radius in (eta, phi)")
    hadronisations: int = Field(6, ge=1, description="of each parton-level event")
    tries: float = Field(100.0, gt=0, description="forced decays per hadron and unit of semileptonic branching fraction")


class ProcessConfig(Frozen):
    """One physics process: Pythia settings on top of the common ones, and how it is cut into shards."""

    settings: tuple[str, ...] = Field(min_length=1, description="lines for Pythia")
    multiparton: bool = Field(False, description="Pythia's multi-parton interactions; false: the underlying-event overlay stands in")
    truth: TruthFilter | None = Field(TruthFilter(), description="null: every event is kept")
    semileptonic: SemileptonicConfig | None = Field(None, description="how leptons of b and c hadrons are enriched; null: not at all")
    shard_events: Annotated[int, Unit("events")] = Field(2000, ge=1, description="of the parton level in one shard")
    detector_passes: int = Field(1, ge=1, description="detector simulations of each truth event; the copies share their source event")

    @model_validator(mode="after")
    def _enriched_leptons_are_selected(self) -> Self:
        if self.semileptonic is not None and self.truth is None:
            raise ValueError(
                "semileptonic enriches leptons that truth then demands; truth: null leaves nothing to enrich, remove one of the two"
            )
        return self

    def pythia_settings(self) -> tuple[str, ...]:
        """Everything Pythia is told, except for the seed."""
        return (*_COMMON, *self.settings, f"PartonLevel:MPI={'on' if self.multiparton else 'off'}")


_COMMON = (
    "Print:quiet=on",
    "Beams:eCM=13000.",
    "Next:numberCount=0",
    "Next:numberShowInfo=0",
    "Next:numberShowProcess=0",
    "Next:numberShowEvent=0",
)


class PileupConfig(Frozen):
    """The library of inelastic proton collisions that pileup and underlying event are drawn from."""

    settings: tuple[str, ...] = Field(("SoftQCD:inelastic=on",), description="lines for Pythia")
    library_events: Annotated[int, Unit("collisions")] = Field(20_000, ge=1, description="in the library")
    shard_events: Annotated[int, Unit("collisions")] = Field(5000, ge=1, description="in one shard")
    seed: int = Field(99, ge=0, description="its own seed: one library serves all samples and seeds")

    def process(self) -> ProcessConfig:
        """As an unfiltered process."""
        return ProcessConfig(settings=self.settings, multiparton=True, shard_events=self.shard_events)


def _resonance(pdg_id: int, channels: str) -> tuple[str, ...]:
    return (f"{pdg_id}:onMode=off", f"{pdg_id}:{channels}")


def _scalar(pdg_id: int, mass: float, channels: str) -> tuple[str, ...]:
    return (f"{pdg_id}:m0={mass}", f"{pdg_id}:mMin=10.", f"{pdg_id}:mMax=0.", *_resonance(pdg_id, channels))


PROCESSES: MappingProxyType[str, ProcessConfig] = MappingProxyType(
    {
        "w": ProcessConfig(settings=("WeakSingleBoson:ffbar2W=on", *_resonance(24, "onIfAny=11 13 15")), shard_events=4000),
        "qcd": ProcessConfig(
            settings=("HardQCD:all=on", "PhaseSpace:pTHatMin=30."),
            semileptonic=SemileptonicConfig(),
            shard_events=3000,
            detector_passes=5,
        ),
        "z": ProcessConfig(
            settings=("WeakSingleBoson:ffbar2gmZ=on", "PhaseSpace:mHatMin=50.", *_resonance(23, "onIfAny=11 13 15")), shard_events=2000
        ),
        "ttbar": ProcessConfig(settings=("Top:gg2ttbar=on", "Top:qqbar2ttbar=on"), shard_events=1000),
        "a4l": ProcessConfig(
            settings=("HiggsSM:gg2H=on", *_scalar(25, 50.0, "onIfMatch=23 23"), *_resonance(23, "onIfAny=11 13 15")),
            detector_passes=2,
        ),
        "lq": ProcessConfig(
            settings=(
                "LeptoQuark:gg2LQLQbar=on",
                "LeptoQuark:qqbar2LQLQbar=on",
                "LeptoQuark:kCoup=0.01",
                "42:m0=80.",
                "42:mMin=50.",
                "42:mMax=0.",
                "42:0:products=5 15",
            ),
            detector_passes=2,
        ),
        "h0": ProcessConfig(settings=("HiggsSM:gg2H=on", *_scalar(25, 60.0, "onIfAny=15")), shard_events=4000, detector_passes=2),
        "hc": ProcessConfig(settings=("Higgs:useBSM=on", "HiggsBSM:bg2H+-t=on", *_scalar(37, 60.0, "onIfAny=15")), detector_passes=2),
        "hcpair": ProcessConfig(
            settings=("Higgs:useBSM=on", "HiggsBSM:ffbar2H+H-=on", *_scalar(37, 60.0, "onIfAny=15")), detector_passes=2
        ),
    }
)
"""Processes by name. Facts about each: A -> 4l at 50 GeV, LQ -> b tau at 80 GeV, h0 -> tau tau and h+ -> tau nu at 60 GeV
(h+ with a top in `hc`, in pairs in `hcpair`)."""

SAMPLES: MappingProxyType[str, dict[str, float]] = MappingProxyType(
    {
        # Fractions after the preselection, arXiv:2107.02157.
        "background": {"w": 0.592, "qcd": 0.338, "z": 0.067, "ttbar": 0.003},
        **{name: {name: 1.0} for name in ("a4l", "lq", "h0", "hc", "hcpair")},
    }
)
"""Samples by name: the fraction of each process among the selected events."""


ZERO_BIAS = "zerobias"
"""Name of the sample of bunch crossings without any selection."""


class CollisionClass(ProcessConfig):
    """Inelastic collisions of one class of the zero-bias sample, with Pythia's own multi-parton interactions and unfiltered.

    Bunch crossings are stratified by the hardest class that they contain; see `l1ae.data.generator._zero_bias`.
    """

    multiparton: bool = Field(True, description="Pythia's multi-parton interactions")
    cross_section: Annotated[float, Unit("nb")] = Field(
        gt=0, description="that of the first class is the cross section of all inelastic collisions"
    )
    share: float = Field(gt=0, le=1, description="of the stratum in the sample; the weights undo it")
    pt_hat_max: Annotated[float | None, Unit("GeV")] = Field(
        None, gt=0, description="harder collisions are left out, they belong to another class"
    )
    library_shards: Annotated[int, Unit("shards")] = Field(
        1, ge=1, description="of truth, from which further collisions of a crossing are drawn"
    )


def _qcd(low: int, high: int | None, cross_section: float, share: float, *, passes: int = 4, library: int = 1) -> CollisionClass:
    limits = (f"PhaseSpace:pTHatMin={low}.", *(() if high is None else (f"PhaseSpace:pTHatMax={high}.",)))
    choices = {"cross_section": cross_section, "share": share, "detector_passes": passes, "library_shards": library}
    return CollisionClass(settings=("HardQCD:all=on", *limits), **choices)


def _electroweak(name: str, cross_section: float, share: float) -> CollisionClass:
    return CollisionClass(settings=PROCESSES[name].settings, cross_section=cross_section, share=share, detector_passes=4)


def _collision_classes() -> dict[str, CollisionClass]:
    """Cross sections from Pythia 8.317 at 13 TeV: SoftQCD:inelastic, of which 400,000 collisions were counted in the slices of
    QCD below 30 GeV (1 to 2 % statistical error; the leading order is up to 15 % higher there, because it lacks the screening of
    multi-parton interactions); leading order above and for the electroweak classes.
    """
    soft = CollisionClass(
        settings=("SoftQCD:inelastic=on",), cross_section=7.805e7, share=0.16, pt_hat_max=12.0, shard_events=5000, library_shards=20
    )
    return {
        "soft": soft,
        "qcd12": _qcd(12, 15, 1.948e6, 0.15, passes=3, library=3),
        "qcd15": _qcd(15, 20, 1.150e6, 0.15, passes=3, library=3),
        "qcd20": _qcd(20, 30, 5.315e5, 0.16, passes=3, library=3),
        "qcd30": _qcd(30, 50, 1.396e5, 0.14, passes=3, library=3),
        "qcd50": _qcd(50, 80, 1.925e4, 0.09),
        "qcd80": _qcd(80, 120, 2752.0, 0.06),
        "qcd120": _qcd(120, 200, 535.9, 0.04),
        "qcd200": _qcd(200, None, 60.26, 0.02),
        "w_lnu": _electroweak("w", 45.84, 0.02),
        "z_ll": _electroweak("z", 4.553, 0.005),
        "tt": _electroweak("ttbar", 0.5085, 0.005),
    }


class ZeroBiasConfig(Frozen):
    """The zero-bias sample: Poisson(`DetectorConfig.pileup_mean`) inelastic collisions of the `classes`, by rising rank.

    The first class holds whatever the others do not. Cross sections are constants, so that the weight of an event does not
    depend on the length of the run that it comes from.
    """

    classes: dict[str, CollisionClass] = Field(default_factory=_collision_classes, description="by name, the softest first")

    @model_validator(mode="before")
    @classmethod
    def _default_classes_in_other_shares(cls, content: Any) -> Any:
        """`shares` by class and `detector_passes` stand for the default classes with these."""
        if not isinstance(content, dict) or not {"shares", "detector_passes"} & set(content):
            return content
        if "classes" in content:
            raise ValueError("shares and detector_passes change the default classes; with classes of your own, write them there")
        classes = _collision_classes()
        shares = content.get("shares", {name: item.share for name, item in classes.items()})
        if not isinstance(shares, dict) or set(shares) != set(classes):
            raise ValueError(f"shares must give a number for each of {', '.join(classes)}, not {shares}")
        passes = content.get("detector_passes")
        changes = {name: {"share": share} | ({} if passes is None else {"detector_passes": passes}) for name, share in shares.items()}
        unknown = set(content) - {"shares", "detector_passes"}
        return {"classes": {name: item.model_dump() | changes[name] for name, item in classes.items()}} | {k: content[k] for k in unknown}

    @model_validator(mode="after")
    def _classes_are_complete(self) -> Self:
        classes = list(self.classes.values())
        if not classes or abs(sum(item.share for item in classes) - 1) > 1e-6:
            raise ValueError(f"the shares of the zero-bias classes must add up to 1, not {sum(item.share for item in classes):g}")
        rest = sum(item.cross_section for item in classes[1:])
        if rest >= classes[0].cross_section:
            first, total = next(iter(self.classes)), classes[0].cross_section
            raise ValueError(f"the other zero-bias classes have {rest:g} nb, more than all inelastic collisions ('{first}', {total:g} nb)")
        return self

    def rank(self, name: str) -> int:
        """Position of a class: crossings belong to the class of the highest rank that they contain."""
        return list(self.classes).index(name)


class GeneratorConfig(Frozen):
    """All choices of the generator. Everything here is recorded in the provenance of the store."""

    detector: DetectorConfig = DetectorConfig()
    pileup: PileupConfig = PileupConfig()
    processes: dict[str, ProcessConfig] = Field(default_factory=lambda: dict(PROCESSES), description="by name")
    samples: dict[str, dict[str, float]] = Field(
        default_factory=lambda: dict(SAMPLES), description="by name: the fraction of each process among the selected events"
    )
    zero_bias: ZeroBiasConfig = ZeroBiasConfig()
    regions: RegionConfig | None = Field(None, description="the calorimeter image of every event, too; the objects do not depend on it")
    full: FullConfig | None = Field(None, description="all columns of the layout ugt_full; those of ugt do not depend on it")

    @model_validator(mode="after")
    def _samples_are_mixtures(self) -> Self:
        for name, fractions in self.samples.items():
            unknown = sorted(set(fractions) - set(self.processes))
            if unknown:
                raise ValueError(f"sample '{name}' contains unknown process '{unknown[0]}'; known are {', '.join(self.processes)}")
            if abs(sum(fractions.values()) - 1) > 1e-6 or min(fractions.values(), default=0) <= 0:
                raise ValueError(f"the fractions of sample '{name}' must be positive and add up to 1, not {fractions}")
        return self

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        both = sorted(set(self.zero_bias.classes) & {*self.processes, PILEUP})
        if both or ZERO_BIAS in self.samples:
            raise ValueError(f"the name '{both[0] if both else ZERO_BIAS}' is taken by the zero-bias sample; choose another")
        return self

    @model_validator(mode="after")
    def _truth_is_looser_than_detector(self) -> Self:
        for name, process in self.processes.items():
            for detector_field, truth_field, fits in _looser_pairs(self.detector, process):
                if not fits:
                    raise ValueError(
                        f"process '{name}': {truth_field} would cut away events that {detector_field} accepts; loosen {truth_field}"
                    )
        return self

    def read_out(self, *, layout: str | None = None, regions: bool = False) -> Self:
        """The same choices for a layout of objects, `ugt` or `ugt_full` (None: as it is), and with the calorimeter image if asked for.

        Raises `UserError` for another layout.
        """
        choices = {None: self.full, "ugt": None, "ugt_full": self.full or FullConfig()}
        if layout not in choices:
            raise UserError(f"the generator does not make layout '{layout}'; it makes ugt and ugt_full")
        full = choices[layout]
        return self.model_copy(update={"full": full, "regions": self.regions or (RegionConfig() if regions else None)})

    def inclusive(self) -> Self:
        """The same choices without the lepton requirement, one detector simulation per event: signals as a trigger meets them.

        Samples with a process whose leptons are enriched exist with the requirement only.
        """
        detector = self.detector.model_copy(update={"trigger_pt": None})
        whole = {name: item for name, item in self.processes.items() if item.semileptonic is None}
        processes = {name: item.model_copy(update={"truth": None, "detector_passes": 1}) for name, item in whole.items()}
        samples = {name: fractions for name, fractions in self.samples.items() if set(fractions) <= set(processes)}
        return self.model_copy(update={"detector": detector, "processes": processes, "samples": samples})

    @property
    def layout(self) -> Layout:
        """The columns of the store that is made."""
        objects = named_layout("ugt" if self.full is None else "ugt_full")
        return Layout.joined([objects, *([] if self.regions is None else [named_layout("calo_regions")])])

    def fractions(self, sample: str) -> dict[str, float]:
        """Processes of `sample` and their fractions; strata and their shares for zero bias. Raises `UserError` for an unknown sample."""
        if sample == ZERO_BIAS:
            return {name: item.share for name, item in self.zero_bias.classes.items()}
        if sample not in self.samples:
            raise UserError(f"unknown sample '{sample}'; known are {', '.join((*self.samples, ZERO_BIAS))}")
        return self.samples[sample]

    def process(self, name: str) -> ProcessConfig:
        """A process, a class of zero-bias collisions, or the pileup library, by the name under which its shards are kept."""
        if name == PILEUP:
            return self.pileup.process()
        return self.zero_bias.classes[name] if name in self.zero_bias.classes else self.processes[name]

    def truth_digest(self, process: str) -> str:
        """Digest of all that decides the truth-level shards of a process, or of the pileup library."""
        content = self.process(process).model_dump(mode="json", exclude={"detector_passes", "cross_section", "share", "library_shards"})
        return _digest({"format": _SHARD_FORMAT, "process": process, "config": content, "pythia8mc": _version("pythia8mc")})

    def detector_digest(self, process: str) -> str:
        """Digest of all that decides the detector shards of a process."""
        content = {
            "format": _SHARD_FORMAT,
            "truth": self.truth_digest(process),
            "pileup": self._overlaid(process),
            "passes": self.process(process).detector_passes,
            "detector": self.detector.model_dump(mode="json"),
            "fastjet": _version("fastjet"),
        }
        if self.regions is not None:
            content["regions"] = self.regions.model_dump(mode="json")
        if self.full is not None:
            content["full"] = [self.full.model_dump(mode="json"), named_layout("ugt_full").digest]
        return _digest(content)

    def _overlaid(self, process: str) -> list[Any]:
        """All that decides which collisions are overlaid."""
        if process not in self.zero_bias.classes:
            return [self.truth_digest(PILEUP), self.pileup.library_events, self.pileup.seed]
        classes = self.zero_bias.classes.items()
        return [[self.truth_digest(name), item.cross_section, item.library_shards] for name, item in classes]


def _looser_pairs(detector: DetectorConfig, process: ProcessConfig) -> list[tuple[str, str, bool]]:
    """Detector cut, truth cut, and whether the truth cut is the looser one, with 5 % of room for the momentum resolution."""
    truth, enriched = process.truth, process.semileptonic
    if truth is None:
        return []
    if detector.trigger_pt is None:
        return [("detector.trigger_pt = null", f"truth.lepton_pt = {truth.lepton_pt}", False)]
    pairs = [
        (
            f"detector.trigger_pt = {detector.trigger_pt}",
            f"truth.lepton_pt = {truth.lepton_pt}",
            detector.trigger_pt >= 1.05 * truth.lepton_pt,
        ),
        (
            f"detector.electron_eta = {detector.electron_eta}",
            f"truth.electron_eta = {truth.electron_eta}",
            detector.electron_eta <= truth.electron_eta,
        ),
        (f"detector.muon_eta = {detector.muon_eta}", f"truth.muon_eta = {truth.muon_eta}", detector.muon_eta <= truth.muon_eta),
    ]
    if enriched:
        pairs += [
            (
                f"detector.trigger_pt = {detector.trigger_pt}",
                f"semileptonic.lepton_pt = {enriched.lepton_pt}",
                detector.trigger_pt >= 1.05 * enriched.lepton_pt,
            ),
            (
                f"detector.isolation_max = {detector.isolation_max}",
                f"semileptonic.isolation = {enriched.isolation}",
                detector.isolation_max <= enriched.isolation,
            ),
            (
                f"detector.isolation_cone = {detector.isolation_cone}",
                f"semileptonic.isolation_cone = {enriched.isolation_cone}",
                detector.isolation_cone >= enriched.isolation_cone,
            ),
        ]
    return pairs


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
