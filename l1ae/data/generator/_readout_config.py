"""What is read out beside the objects of `ugt`: the calorimeter image, and full events. Momenta and energies in GeV, lengths in m.

Every default says where it comes from: CMSSW is the parameters of the emulator (`L1Trigger/L1TCalorimeter/python`:
`caloStage2Params_*_cfi`), L1 paper is JINST 15 (2020) P10017 (arXiv:2006.10165), detector paper is JINST 3 (2008) S08004,
own choice is a number without a published counterpart.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from l1ae.data.generator._bins import Frozen, RegionBin, RegionBins
from l1ae.schema import Unit

__all__ = [
    "EgammaConfig",
    "FullConfig",
    "IsolationConfig",
    "JetSumConfig",
    "MuonConfig",
    "RegionConfig",
    "TauConfig",
    "TowerConfig",
]


class RegionConfig(Frozen):
    """The calorimeter image: 18 x 14 regions of trigger towers, the layout `calo_regions`.

    Field and size of the calorimeter's inner surface as in the CMS card of Delphes 3; the resolutions are those of
    `DetectorConfig`.
    """

    field: Annotated[float, Unit("T")] = Field(3.8, ge=0, description="of the solenoid; 0: no bending")
    radius: Annotated[float, Unit("m")] = Field(1.29, gt=0, description="inner radius of the barrel calorimeter")
    half_length: Annotated[float, Unit("m")] = Field(3.0, gt=0, description="distance of the endcap calorimeters from the centre")
    tower_threshold: Annotated[float, Unit("GeV")] = Field(
        1.0, ge=0, description="electromagnetic or hadronic parts of towers below it are suppressed"
    )
    muon_energy: Annotated[float, Unit("GeV")] = Field(2.0, ge=0, description="energy that a muon leaves in the calorimeters")


class TowerConfig(RegionConfig):
    """Trigger towers, which sums, taus and isolation are made of: those of the image, and the forward calorimeter.

    Unlike in the image, hadrons that interact in the electromagnetic calorimeter leave a part of their energy there.
    """

    interaction_lengths: float = Field(
        1.1,
        ge=0,
        description="of the electromagnetic calorimeter: 23 cm of PbWO4 (detector paper, section 4) of 20.3 cm (PDG); a hadron that "
        "interacts in it leaves any fraction of its energy with equal probability (own choice)",
    )
    forward_threshold: Annotated[float, Unit("GeV")] = Field(
        1.0, ge=0, description="forward towers below it are suppressed (own choice, as for the other towers)"
    )


class IsolationConfig(Frozen):
    """Isolated: energy in 9 x 5 towers (phi, eta) around the object, less its own, is at most offset + slope pT + per_tower x towers.

    The number of towers with energy stands for the pileup. Windows and this use of the number of towers as in CMSSW
    (`tauIsoAreaNrTowersEta` 2, `tauIsoAreaNrTowersPhi` 4, and L1 paper, sections 4.2 and 4.3); CMS tabulates the limit, the
    three numbers stand for its table.
    """

    offset: Annotated[float, Unit("GeV")] = Field(description="of the limit")
    slope: float = Field(ge=0, description="of the limit, with the object's pT: tight at low, loose at high pT, as in the L1 paper")
    per_tower: Annotated[float, Unit("GeV")] = Field(ge=0, description="per tower with energy: what pileup adds to the window")


class TauConfig(Frozen):
    """Hadronic taus: a seed tower that is the highest of 9 x 3 (phi, eta), with 5 x 3 around it, wide in phi as 3.8 T pull prongs apart.

    CMS builds the cluster dynamically and merges a second one two or three towers off in phi (CMSSW
    `Stage2Layer2TauAlgorithmFirmwareImp1`, L1 paper, section 4.3); the fixed window has the same reach.
    """

    seed: Annotated[float, Unit("GeV")] = Field(
        2.0, gt=0, description="ET of the seed tower (CMSSW: egSeedThreshold 2, of which tau clusters are made)"
    )
    pt: Annotated[float, Unit("GeV")] = Field(5.0, gt=0, description="softer clusters are no candidates (own choice)")
    eta: float = Field(3.0, gt=0, le=3.0, description="largest |eta| of the seed (CMSSW: main seed within tower 28)")
    scale: float = Field(1.0, gt=0, description="calibration of the cluster")
    isolation: IsolationConfig = Field(IsolationConfig(offset=-1.0, slope=0.08, per_tower=0.015), description="limit of the isolation bit")


class EgammaConfig(Frozen):
    """Isolation bits of electrons: bit 0 tight, bit 1 loose. The electron itself is the 3 x 3 towers where it enters."""

    tight: IsolationConfig = Field(IsolationConfig(offset=1.0, slope=0.06, per_tower=0.02), description="limit of bit 0")
    loose: IsolationConfig = Field(IsolationConfig(offset=3.0, slope=0.12, per_tower=0.02), description="limit of bit 1")

    @model_validator(mode="after")
    def _loose_is_looser(self) -> Self:
        if any(getattr(self.loose, name) < getattr(self.tight, name) for name in type(self.tight).model_fields):
            raise ValueError("every number of the loose isolation of electrons must be at least that of the tight one")
        return self


class MuonConfig(Frozen):
    """What the trigger's muons have beside pT and direction at the vertex.

    Directions at the stations: a helix inside the solenoid, a straight line behind it. The field of the return yoke,
    multiple scattering and energy loss are left out. Track finders meet at |eta| = 0.83 and 1.24 (L1 paper, section 3).
    """

    field: Annotated[float, Unit("T")] = Field(3.8, ge=0, description="of the solenoid (detector paper; arXiv:0910.5530)")
    coil_radius: Annotated[float, Unit("m")] = Field(3.0, gt=0, description="free bore of 6 m in diameter (arXiv:0910.5530)")
    coil_half_length: Annotated[float, Unit("m")] = Field(6.25, gt=0, description="length 12.5 m (arXiv:0910.5530)")
    station_radius: Annotated[float, Unit("m")] = Field(4.9, gt=0, description="second barrel station (detector paper, section 7.1)")
    station_z: Annotated[float, Unit("m")] = Field(8.28, gt=0, description="second endcap station (detector paper, section 7.2)")
    barrel_eta: float = Field(0.83, gt=0, description="|eta| at which the barrel track finder ends")
    endcap_eta: float = Field(1.24, gt=0, description="|eta| at which the endcap track finder begins")
    quality_12: RegionBins = Field(
        (RegionBin(eta_max=0.83, value=0.96), RegionBin(eta_max=1.24, value=0.92), RegionBin(eta_max=5.0, value=0.94)),
        description="share of muons of quality 12, as single-muon seeds ask for (about the plateau of the L1 paper, figure 8)",
    )
    quality_8: RegionBins = Field(
        (RegionBin(eta_max=0.83, value=0.75), RegionBin(eta_max=5.0, value=0.6)),
        description="share of quality 8 among the others, which have 4 (own choice)",
    )
    charge_wrong: float = Field(0.005, ge=0, le=0.5, description="probability of the wrong charge at low pT (own choice)")
    charge_wrong_slope: Annotated[float, Unit("1/GeV")] = Field(
        2e-4, ge=0, description="and its growth per GeV of pT, up to 0.5 (own choice)"
    )
    unconstrained_eta: float = Field(0.83, ge=0, description="only the barrel track finder has a pT without the vertex (own choice)")
    unconstrained_resolution: float = Field(0.35, ge=0, description="its relative resolution, added to that of pT (own choice)")


class JetSumConfig(Frozen):
    """Sums of jets, and the displaced bit. Thresholds: CMSSW etSumEtThreshold 30, etSumEtaMax tower 26, which ends at 2.5."""

    pt: Annotated[float, Unit("GeV")] = Field(30.0, gt=0, description="jets from here on count")
    eta: float = Field(2.5, gt=0, description="within it they count for HT and MHT; for MHT with forward jets all of them do")
    displaced: float = Field(
        2e-4, ge=0, le=1, description="probability of the displaced bit of a jet, by accident: no sample has displaced jets (own choice)"
    )


class FullConfig(Frozen):
    """Full events, the layout `ugt_full`: all that the objects of `ugt` lack, from the same particles."""

    towers: TowerConfig = TowerConfig()
    tau: TauConfig = TauConfig()
    egamma: EgammaConfig = EgammaConfig()
    muon: MuonConfig = MuonConfig()
    jet_sums: JetSumConfig = JetSumConfig()
