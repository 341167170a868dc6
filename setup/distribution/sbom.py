"""Bills of materials in CycloneDX 1.6 JSON. Equal components give equal bytes."""

from __future__ import annotations

import datetime
import json
import re
import uuid

from distribution.components import Component

SPDX_EXPRESSION = re.compile(r"[A-Za-z0-9.+()-]+(?: (?:OR|AND|WITH) [A-Za-z0-9.+()-]+)*")


def bill(name: str, version: str, time: int, components: list[Component]) -> str:
    """The bill of an application; `time` is in seconds since 1970."""
    reference = f"pkg:generic/{name}@{version}"
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(time, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "application", "bom-ref": reference, "name": name, "version": version, "purl": reference},
        },
        "components": [described(component) for component in components],
        "dependencies": [
            {"ref": component.purl, "dependsOn": list(component.depends_on)}
            for component in components
            if component.depends_on
        ],
    }
    text = json.dumps(document, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, text)}"
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def described(component: Component) -> dict:
    licence: dict = {"license": {"name": component.licence}}
    if SPDX_EXPRESSION.fullmatch(component.licence):
        licence = {"expression": component.licence}
    return {
        "type": "library",
        "bom-ref": component.purl,
        "name": component.name,
        "version": component.version,
        "purl": component.purl,
        "licenses": [licence],
        "hashes": [{"alg": algorithm, "content": digest} for algorithm, digest in component.hashes],
    }
