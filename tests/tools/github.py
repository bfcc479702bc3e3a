"""Holds what was said to and by the stand-in for GitHub to GitHub's own description of its REST API.

Usage: github.py DESCRIPTION FOLDER

DESCRIPTION is the OpenAPI file of npm's @octokit/openapi; FOLDER has the exchanges, one JSON object a line. Beyond what
the description demands, nothing may be in them that it does not name: a misspelt parameter is passed over by GitHub, and
a field that GitHub never sends must not be read.
"""

import json
import re
import sys
from pathlib import Path
from urllib.parse import parse_qsl

from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

HOST = "https://api.github.com"
PREFIX = "/api/v3"
# What any operation may be answered with, though few descriptions say so.
COMMON_ERRORS = ("401", "403", "404", "429")
# Bytes instead of JSON: only the request and the status can be judged.
BYTES = ("application/vnd.github.raw+json", "application/vnd.github.sha")
ERROR = {"$ref": "#/components/schemas/basic-error"}


def exchanges(folder):
    """Each exchange of the REST API, once."""
    lines = {line for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().split("\n") if line}
    read = (json.loads(line) for line in sorted(lines))
    return [exchange for exchange in read if exchange["request"]["path"].startswith(PREFIX)]


def trimmed(description, paths):
    """The description of the operations at these paths, and of what they refer to."""
    operations = {}
    for template, item in description["paths"].items():
        pattern = re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template)))
        if any(pattern.fullmatch(path) for path in paths):
            operations[template] = item
    for item in operations.values():
        for method in item.values():
            for status in COMMON_ERRORS:
                error = {"description": "an error", "content": {"application/json": {"schema": ERROR}}}
                method["responses"].setdefault(status, error)
    kept = {"openapi": description["openapi"], "info": description["info"], "servers": [{"url": HOST}]}
    kept |= {"paths": operations, "components": {}}
    missing = references(operations)
    while missing:
        kind, name = missing.pop().removeprefix("#/components/").split("/", 1)
        names = kept["components"].setdefault(kind, {})
        if name not in names:
            names[name] = description["components"][kind][name]
            missing |= references(names[name])
    return kept


def references(part):
    """The names of all that a part of the description refers to."""
    found, parts = set(), [part]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                found.add(part["$ref"])
            parts.extend(part.values())
        elif isinstance(part, list):
            parts.extend(part)
    return found


def join(part, components):
    """Makes one object of each that is described as several at once: its fields are those of all."""
    parts = [part]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            several = [referred(one, components) for one in part.get("allOf", [])]
            if several and all(isinstance(one.get("properties"), dict) and "allOf" not in one for one in several):
                del part["allOf"]
                part["type"] = "object"
                part["properties"] = {name: field for one in several for name, field in one["properties"].items()}
                part["required"] = sorted({name for one in several for name in one.get("required", [])})
                if not part["required"]:
                    del part["required"]
            parts.extend(part.values())
        elif isinstance(part, list):
            parts.extend(part)


def referred(part, components):
    """What a part stands for."""
    if "$ref" not in part:
        return part
    kind, name = part["$ref"].removeprefix("#/components/").split("/", 1)
    return components[kind][name]


def tighten(part):
    """Lets objects have no field that the description does not name.

    A discriminator goes: it is no use for a list, and what it tells `oneOf` tells, too. And where one of some words or
    null is meant, the description says `nullable` and leaves null out of the words, which would forbid it: a job that
    runs has no conclusion.
    """
    parts = [part]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            is_composed = any(word in part for word in ("allOf", "anyOf", "oneOf"))
            if "oneOf" in part:
                part.pop("discriminator", None)
            if isinstance(part.get("properties"), dict) and not is_composed:
                part.setdefault("additionalProperties", False)
            if part.get("nullable") is True and isinstance(part.get("enum"), list) and None not in part["enum"]:
                part["enum"].append(None)
            parts.extend(part.values())
        elif isinstance(part, list):
            parts.extend(part)


def mistakes(openapi, description, exchange):
    """What is wrong with one exchange, a line each."""
    asked, answered = exchange["request"], exchange["reply"]
    path = asked["path"].removeprefix(PREFIX)
    query = dict(parse_qsl(asked["query"], keep_blank_values=True))
    request = MockRequest(
        HOST,
        asked["method"],
        path,
        args=query,
        headers=asked["headers"],
        data=(asked["body"] or "").encode(),
        content_type=asked["headers"].get("content-type", ""),
    )
    where = f"{asked['method']} {path}?{asked['query']}"
    try:
        openapi.validate_request(request)
    except Exception as error:
        yield f"{where}: the request: {told(error)}"
        return
    unknown = set(query) - parameters(description, asked["method"], path)
    if unknown:
        yield f"{where}: the request: no such parameter: {', '.join(sorted(unknown))}"
    if answered is None:
        return
    kind = answered["headers"].get("content-type", "").split(";")[0]
    if answered["status"] == 200 and kind in BYTES:
        return
    response = MockResponse(
        (answered["body"] or "").encode(), answered["status"], answered["headers"], content_type=kind
    )
    try:
        openapi.validate_response(request, response)
    except Exception as error:
        yield f"{where}: the reply {answered['status']}: {told(error)}"


def parameters(description, method, path):
    """The names of the parameters that an operation takes in its query."""
    names = set()
    for template, item in description["paths"].items():
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in item:
            for parameter in item[method.lower()].get("parameters", []):
                if "$ref" in parameter:
                    parameter = description["components"]["parameters"][parameter["$ref"].rsplit("/", 1)[1]]
                names.add(parameter["name"])
    return names


def told(error):
    """What is wrong, and where, without the whole value."""
    causes = getattr(error.__cause__ or error, "schema_errors", None) or [error.__cause__ or error]
    words = []
    for cause in causes:
        place = "/".join(str(step) for step in getattr(cause, "absolute_path", ()))
        words.append(f"{place or 'whole'}: {getattr(cause, 'message', cause)}"[:300])
    return "; ".join(words)


def main(description, folder):
    found = exchanges(Path(folder))
    paths = {exchange["request"]["path"].removeprefix(PREFIX) for exchange in found}
    description = trimmed(json.loads(Path(description).read_text()), paths)
    join(description, description["components"])
    tighten(description)
    openapi = OpenAPI.from_dict(description)
    wrong = [mistake for exchange in found for mistake in mistakes(openapi, description, exchange)]
    for mistake in wrong:
        print(mistake, file=sys.stderr)
    operations = len(description["paths"])
    print(f"{len(found)} different exchanges at {operations} paths of GitHub's REST API, {len(wrong)} mistakes")
    return 1 if wrong or not found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
