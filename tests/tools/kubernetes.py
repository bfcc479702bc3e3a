"""Holds what was said to and by the stand-in for Kubernetes to Kubernetes' own schemas.

Usage: kubernetes.py FOLDER

FOLDER has the exchanges, one JSON object a line; the schemas are those that PyPI's kubernetes-validate bundles, in their
strict form: nothing may be in an object that they do not name. Parameters of requests are held to those that the API
takes, for it passes over a misspelt one. Objects of kinds that no schema knows must be custom resources.
"""

import functools
import importlib.resources
import json
import re
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import jsonschema
from referencing import Registry, Resource

VERSION = "v1.36.0-local-strict"
SCHEMAS = importlib.resources.files("kubernetes_validate") / "kubernetes-json-schema" / VERSION
# Of the machinery: their apiVersion is that of no group.
META = ("APIGroupList", "APIResourceList", "APIVersions", "DeleteOptions", "Status")
# https://kubernetes.io/docs/reference/kubernetes-api/common-parameters/common-parameters/
PARAMETERS = {
    "GET": "allowWatchBookmarks container continue fieldSelector follow labelSelector limit limitBytes previous"
    " resourceVersion resourceVersionMatch sinceTime tailLines timeoutSeconds timestamps watch",
    "POST": "dryRun fieldManager fieldValidation",
    "PUT": "dryRun fieldManager fieldValidation",
    "PATCH": "dryRun fieldManager fieldValidation force",
    "DELETE": "dryRun gracePeriodSeconds propagationPolicy",
}


def exchanges(folder):
    """Each exchange, once."""
    # A text may hold letters that Python, too, takes for the end of a line.
    lines = {line for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().split("\n") if line}
    return [json.loads(line) for line in sorted(lines)]


@functools.cache
def definitions():
    return Resource.from_contents(json.loads((SCHEMAS / "_definitions.json").read_text())) @ Registry()


@functools.cache
def validator(kind, api_version):
    """The judge of a kind; none where no schema knows it."""
    group = "meta-v1" if kind in META else re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    file = SCHEMAS / f"{kind.lower()}-{group}.json"
    if not file.is_file():
        return None
    schema = json.loads(file.read_text())
    return jsonschema.Draft202012Validator(schema, registry=Resource.from_contents(schema) @ definitions())


def is_custom(api_version):
    """Whether a group is of no part of Kubernetes."""
    group = api_version.split("/")[0]
    return "." in group and not group.endswith(".k8s.io")


def mistakes_of_object(body, is_partial=False):
    """What is wrong with an object, a line each."""
    kind, api_version = body.get("kind", ""), body.get("apiVersion", "")
    if kind == "APIGroupDiscoveryList":
        # It is in no OpenAPI description.
        return
    judge = validator(kind, api_version)
    if judge is None:
        if not is_custom(api_version):
            yield f"no schema knows the kind {kind} of {api_version}"
        return
    for error in judge.iter_errors(body):
        if is_partial and error.validator == "required":
            continue
        place = "/".join(str(step) for step in error.absolute_path)
        yield f"{kind} {body.get('metadata', {}).get('name', '')}: {place or 'whole'}: {error.message}"[:300]


def mistakes(exchange):
    """What is wrong with one exchange, a line each."""
    asked, answered = exchange["request"], exchange["reply"]
    known = PARAMETERS.get(asked["method"], "").split()
    for name, _ in parse_qsl(asked["query"], keep_blank_values=True):
        if name not in known:
            yield f"the request: {asked['method']} takes no parameter {name}"
    sent = asked["body"]
    if isinstance(sent, dict) and "kind" in sent and answered["status"] < 400:
        is_partial = asked["method"] == "PATCH"
        yield from (f"the request: {mistake}" for mistake in mistakes_of_object(sent, is_partial))
    body = answered["body"]
    if asked["path"] == "/version":
        body = None
    if isinstance(body, dict):
        yield from (f"the reply {answered['status']}: {mistake}" for mistake in mistakes_of_object(body))
        if body.get("kind", "").endswith("List") and not body["kind"].startswith("API"):
            # Their entries say neither kind nor version.
            head = {"kind": body["kind"].removesuffix("List"), "apiVersion": body["apiVersion"]}
            for entry in body.get("items", []):
                yield from (f"an entry: {mistake}" for mistake in mistakes_of_object(head | entry))


def main(folder):
    found = exchanges(Path(folder))
    wrong, kinds = 0, set()
    for exchange in found:
        body = exchange["reply"]["body"]
        kinds.add((body.get("apiVersion"), body.get("kind")) if isinstance(body, dict) else None)
        for mistake in mistakes(exchange):
            wrong += 1
            print(f"{exchange['request']['method']} {exchange['request']['path']}: {mistake}", file=sys.stderr)
    print(f"{len(found)} different exchanges of {len(kinds)} kinds with Kubernetes' API, {wrong} mistakes")
    return 1 if wrong or not found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
