"""The JSON Schema of a manifest, with which an editor completes and checks one.

In:  the frame of a manifest, and the catalogue.
Out: a JSON Schema (draft 2020-12).
Guaranteed: every format, stage and option of the catalogue is in it, with description and default.
"""

from typing import Any

from pydantic import BaseModel

from pipelines.catalog import STAGES
from pipelines.sources.formats import SOURCES

Schema = dict[str, Any]

ON: Schema = {
    "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}],
    "description": "Names and tags of the sources whose documents the stage sees; all by default.",
}

DATATROVE: Schema = {
    "description": "A filter of datatrove by the name of its class, with the options of its __init__.",
    "anyOf": [
        {"type": "string", "pattern": "^datatrove:."},
        {
            "type": "object",
            "patternProperties": {"^datatrove:.": {"type": ["object", "null"]}},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        },
    ],
}


def schema_of(frame: type[BaseModel]) -> Schema:
    """Return the schema of a manifest file; `frame` is the model of its outermost keys."""
    schema = frame.model_json_schema(by_alias=True)
    definitions: Schema = schema.setdefault("$defs", {})
    schema["properties"]["sources"]["additionalProperties"] = {
        "oneOf": [_embedded(model, definitions) for model in SOURCES.values()]
    }
    stages = [_stage(name, _embedded(model, definitions)) for name, model in STAGES.items()]
    schema["properties"]["stages"]["items"] = {"oneOf": [{"anyOf": [{"enum": sorted(STAGES)}, DATATROVE]}, *stages]}
    schema["properties"]["tokenizer"]["anyOf"].append({"type": "string", "description": "A tokenizer's file."})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Gristmill manifest"}


def _embedded(model: type[BaseModel], definitions: Schema) -> Schema:
    """Return a model's schema; what it refers to goes to the definitions."""
    schema = model.model_json_schema(by_alias=True)
    definitions.update(schema.pop("$defs", {}))
    return schema


def _stage(name: str, options: Schema) -> Schema:
    """Return the schema of `{name: {options}}`."""
    with_on = {**options, "properties": {**options.get("properties", {}), "on": ON}}
    forms = [with_on, {"type": "null"}, *([{"type": "string"}] if name == "where" else [])]
    return {
        "type": "object",
        "properties": {name: {"anyOf": forms}},
        "required": [name],
        "additionalProperties": False,
    }
