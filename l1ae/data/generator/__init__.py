"""Making collisions: Pythia 8, a parametrised detector with pileup, and fastjet. Needs the extra `l1ae[generator]` to run."""

from l1ae.data.generator._config import (
    PROCESSES,
    SAMPLES,
    ZERO_BIAS,
    CalorimeterBin,
    CollisionClass,
    DetectorConfig,
    FullConfig,
    GeneratorConfig,
    PileupConfig,
    ProcessConfig,
    RegionBin,
    RegionConfig,
    SemileptonicConfig,
    TrackBin,
    TruthFilter,
    ZeroBiasConfig,
)
from l1ae.data.generator._generate import GenerationResult, ProcessResult, generate
from l1ae.data.generator._physics import PhysicsCheck, physics_checks
from l1ae.data.generator._physics_full import crossing_checks, full_checks
from l1ae.data.generator._readout_config import EgammaConfig, IsolationConfig, JetSumConfig, MuonConfig, TauConfig, TowerConfig
from l1ae.data.generator._zero_bias import Stratum, strata

__all__ = [
    "PROCESSES",
    "SAMPLES",
    "ZERO_BIAS",
    "CalorimeterBin",
    "CollisionClass",
    "DetectorConfig",
    "EgammaConfig",
    "FullConfig",
    "GenerationResult",
    "GeneratorConfig",
    "IsolationConfig",
    "JetSumConfig",
    "MuonConfig",
    "PhysicsCheck",
    "PileupConfig",
    "ProcessConfig",
    "ProcessResult",
    "RegionBin",
    "RegionConfig",
    "SemileptonicConfig",
    "Stratum",
    "TauConfig",
    "TowerConfig",
    "TrackBin",
    "TruthFilter",
    "ZeroBiasConfig",
    "crossing_checks",
    "full_checks",
    "generate",
    "physics_checks",
    "strata",
]
