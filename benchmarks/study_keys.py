"""The tables of a study's keys in docs/search.md, from the schema that studies are validated by.

    python benchmarks/study_keys.py [docs/search.md]

What is between a line `<!-- keys of NAME -->` and the next `<!-- end -->` is replaced.
"""

import re
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from l1ae.config import BudgetConfig
from l1ae.search import DimensionConfig, HalvingConfig, ModelStudyConfig, ObjectiveConfig, StudyConfig

PAGE = Path(__file__).parents[1] / "docs" / "search.md"
SECTIONS: dict[str, type[BaseModel]] = {
    "a study": StudyConfig,
    "models": ModelStudyConfig,
    "a dimension": DimensionConfig,
    "an objective": ObjectiveConfig,
    "budget": BudgetConfig,
    "halving": HalvingConfig,
}
BUDGET = ("lut", "ff", "latency_ns", "latency_cycles")
"""The limits that a search knows of; the section has more, for runs."""
NAMES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false"}


def kind_of(schema: dict[str, Any]) -> str:
    """A JSON schema in words."""
    if "anyOf" in schema:
        kinds = [kind_of(one) for one in schema["anyOf"] if one.get("type") != "null"]
        return "number" if set(kinds) == {"whole number", "number"} else " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "$ref" in schema:
        return f"{schema['$ref'].rpartition('/')[2].removesuffix('Config').removesuffix('Study').lower()}, see below"
    return _type_of(schema)


def _type_of(schema: dict[str, Any]) -> str:
    match schema.get("type"):
        case "array" if "prefixItems" in schema:
            return f"two {kind_of(schema['prefixItems'][0])}s"
        case "array":
            return f"list of {kind_of(schema['items'])}" if schema.get("items") else "list"
        case "object":
            inner = schema.get("additionalProperties")
            return f"by name: {kind_of(inner)}" if isinstance(inner, dict) and inner else "values by key"
        case other:
            return NAMES.get(other or "", "any")


def limits_of(schema: dict[str, Any]) -> str:
    """The ends of a number."""
    found = next((one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"), schema)
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    return ", ".join(f"{sign} {_number(found[name])}" for name, sign in signs.items() if name in found)


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def default_of(field: Any) -> str:
    """What holds where a key is not given."""
    if field.default is PydanticUndefined:
        return "needed"
    if field.default is None or field.default in ("", {}) or isinstance(field.default, BaseModel):
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def table(section: type[BaseModel]) -> str:
    """The keys of a section."""
    properties = section.model_json_schema()["properties"]
    rows = ["| key | value | default | |", "|---|---|---|---|"]
    for name, field in section.model_fields.items():
        if section is BudgetConfig and name not in BUDGET:
            continue
        schema = properties[name]
        value = " ".join(filter(None, (kind_of(schema), limits_of(schema))))
        rows.append(f"| `{name}` | {value} | {default_of(field)} | {field.description or ''} |")
    return "\n".join(rows)


def filled(text: str) -> str:
    """The page with its tables as they are now."""
    for name, section in SECTIONS.items():
        place = re.compile(rf"(<!-- keys of {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not place.search(text):
            raise SystemExit(f"there is no place for the keys of {name}")
        content = table(section)
        text = place.sub(lambda found, content=content: f"{found[1]}{content}\n{found[2]}", text)
    return text


if __name__ == "__main__":
    page = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    page.write_text(filled(page.read_text()))
