"""Making collisions: Pythia 8, a parametrised detector with pileup, and fastjet. Needs the extra `l1ae[generator]` to run."""

from l1ae.data.generator._config import (
    PROCESSES,
    SAMPLES,
    CalorimeterBin,
    DetectorConfig,
    GeneratorConfig,
    PileupConfig,
    ProcessConfig,
    RegionBin,
    SemileptonicConfig,
    TrackBin,
    TruthFilter,
)
from l1ae.data.generator._generate import GenerationResult, ProcessResult, generate
from l1ae.data.generator._physics import PhysicsCheck, physics_checks

__all__ = [
    "PROCESSES",
    "SAMPLES",
    "CalorimeterBin",
    "DetectorConfig",
    "GenerationResult",
    "GeneratorConfig",
    "PhysicsCheck",
    "PileupConfig",
    "ProcessConfig",
    "ProcessResult",
    "RegionBin",
    "SemileptonicConfig",
    "TrackBin",
    "TruthFilter",
    "generate",
    "physics_checks",
]
