"""The typed description of a run and its loading."""

from l1ae.config._load import dump_config, load_config, load_yaml
from l1ae.config._schema import Config, CsimConfig, DataConfig, HlsConfig, InputsConfig, ModelConfig, PhaseConfig, TrainingConfig

__all__ = [
    "Config",
    "CsimConfig",
    "DataConfig",
    "HlsConfig",
    "InputsConfig",
    "ModelConfig",
    "PhaseConfig",
    "TrainingConfig",
    "dump_config",
    "load_config",
    "load_yaml",
]
