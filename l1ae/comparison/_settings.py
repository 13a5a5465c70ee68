"""Keys of configurations that differ."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from l1ae.comparison._result import Setting
from l1ae.config import Config, idle_keys

__all__ = ["settings_that_differ"]


def settings_that_differ(configs: Sequence[Config]) -> tuple[Setting, ...]:
    """Dotted keys whose values differ, defaults included, in the order of the schema; not what training found in the data by itself."""
    flat = [_of(config) for config in configs]
    keys = dict.fromkeys(key for values in flat for key in values)
    rows = [Setting(key, tuple(values.get(key, "") for values in flat)) for key in keys]
    return tuple(row for row in rows if len(set(row.values)) > 1)


def _of(config: Config) -> dict[str, str]:
    """What has an effect in the configuration's architecture."""
    idle = idle_keys(config)
    values = _flat(config.model_dump(mode="json", exclude={"inputs": {"derived"}}))
    return {key: value for key, value in values.items() if ".".join(key.split(".")[:2]) not in idle}


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Values as JSON by dotted key; lists are values."""
    result: dict[str, str] = {}
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            result |= _flat(value, f"{prefix}{key}.")
        else:
            result[f"{prefix}{key}"] = json.dumps(value, ensure_ascii=False)
    return result
