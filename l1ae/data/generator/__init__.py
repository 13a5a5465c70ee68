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
    RegionConfig,
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
    "RegionConfig",
    "SemileptonicConfig",
    "TrackBin",
    "TruthFilter",
    "generate",
    "physics_checks",
]
