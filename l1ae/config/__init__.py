"""The typed description of a run and its loading."""

from l1ae.config._load import dump_config, load_config, load_yaml
from l1ae.config._schema import (
    Config,
    ConvolutionConfig,
    CsimConfig,
    DataConfig,
    HlsConfig,
    InputsConfig,
    LayerBits,
    LearnedWidthsConfig,
    ModelConfig,
    NoiseConfig,
    PhaseConfig,
    PruningConfig,
    SparsityConfig,
    TrainingConfig,
    VicregConfig,
)

__all__ = [
    "Config",
    "ConvolutionConfig",
    "CsimConfig",
    "DataConfig",
    "HlsConfig",
    "InputsConfig",
    "LayerBits",
    "LearnedWidthsConfig",
    "ModelConfig",
    "NoiseConfig",
    "PhaseConfig",
    "PruningConfig",
    "SparsityConfig",
    "TrainingConfig",
    "VicregConfig",
    "dump_config",
    "load_config",
    "load_yaml",
]
