"""The addresses of the server, from its OpenAPI document."""

from typing import Any

import sentir
from sentir.serving.app import create_app

TEXTS = {
    "en": {
        "title": "HTTP",
        "introduction": "Every address of [`sentir serve`](serving.md), from its OpenAPI document, which a "
        "running server has at `/openapi.json`. [Errors](serving.md#errors), "
        "[live streams](serving.md#live-streams) and "
        "[the document of a timeline](timeline.md#the-document) are explained there.",
        "types": "Types",
        "columns": "| name | type | meaning |",
        "body": "Body",
        "parameters": "Parameters",
    },
    "es": {
        "title": "HTTP",
        "introduction": "Todas las direcciones de [`sentir serve`](serving.md), según su documento OpenAPI, que "
        "un servidor en marcha ofrece en `/openapi.json`; sus textos están en inglés. Allí se explican los "
        "[errores](serving.md#errores), la [transmisión en directo](serving.md#en-directo) y el "
        "[documento de una línea de tiempo](timeline.md#el-documento).",
        "types": "Tipos",
        "columns": "| nombre | tipo | significado |",
        "body": "Cuerpo",
        "parameters": "Parámetros",
    },
}


def write_http(language: str) -> str:
    """Return the page."""
    texts, document = TEXTS[language], create_app({"starter": sentir.load()}).openapi()
    parts = [f"# {texts['title']}", texts["introduction"]]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts += [f"## `{method.upper()} {path}`", operation.get("description", operation["summary"])]
            parts += _describe(operation, texts)
    parts.append(f"## {texts['types']}")
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts.append(f"### `{name}`")
        parts.append(schema.get("description", ""))
        parts.append(_to_table(schema.get("properties", {}), texts))
    return "\n\n".join(part for part in parts if part) + "\n"


def _describe(operation: dict[str, Any], texts: dict[str, str]) -> list[str]:
    parts = []
    if parameters := operation.get("parameters"):
        rows = {one["name"]: {**one["schema"], "description": one.get("description", "")} for one in parameters}
        parts.append(_to_table(rows, texts))
    bodies = operation.get("requestBody", {}).get("content", {})
    if bodies:
        kinds = (f"`{kind}` ({_type_name(body['schema'])})" for kind, body in bodies.items())
        parts.append(f"{texts['body']}: {', '.join(kinds)}.")
    replies = [_describe_reply(status, reply) for status, reply in operation["responses"].items()]
    return [*parts, f"→ {', '.join(replies)}"]


def _describe_reply(status: str, reply: dict[str, Any]) -> str:
    kinds = [_type_name(body["schema"]) for body in reply.get("content", {}).values() if body.get("schema")]
    return f"{status} ({', '.join(dict.fromkeys(kinds))})" if kinds else status


def _to_table(properties: dict[str, Any], texts: dict[str, str]) -> str:
    if not properties:
        return ""
    rows = [
        f"| `{name}` | {_type_name(schema)} | {' '.join(schema.get('description', '').split())} |"
        for name, schema in properties.items()
    ]
    return "\n".join([texts["columns"], "|---|---|---|", *rows])


def _type_name(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return f"`{schema['$ref'].rsplit('/', 1)[1]}`"
    for kind in ("anyOf", "oneOf", "allOf"):
        if kind in schema:
            return " or ".join(dict.fromkeys(map(_type_name, schema[kind])))
    if schema.get("type") == "array":
        return f"list of {_type_name(schema.get('items', {}))}"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    return str(schema.get("type", "any"))
