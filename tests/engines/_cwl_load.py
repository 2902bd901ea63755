"""What REANA's packages make of a CWL specification:  python _cwl_load.py ANSWER SPEC   (in the specification's directory).

Loads and validates as the client of 0.9 does ("reana-0.9") or as client and server of 0.95 do ("reana-0.95"). Exits
with 1, and the reason on standard error, where REANA rejects the specification.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def client_0_9(name: str) -> dict:
    from reana_client.utils import load_validate_reana_spec

    return load_validate_reana_spec(name)


def server_0_95(name: str) -> dict:
    from reana_commons.specification import load_reana_spec
    from reana_commons.specification_paths import gather_workspace_seed_members
    from reana_commons.validation.report import validate_serialized_spec

    gather_workspace_seed_members(name)
    spec = load_reana_spec(name)
    report = validate_serialized_spec(spec, {"supported_backends": ["kubernetes", "htcondorcern", "slurmcern"]})
    if not report["valid"]:
        raise ValueError(report["errors"])
    return spec


def main(answer: str, name: str) -> None:
    try:
        import reana_client  # noqa: F401

        load = client_0_9
    except ImportError:
        load = server_0_95
    try:
        spec = load(name)
    except Exception as error:  # noqa: BLE001 - any is a rejection, whose text the caller shows
        sys.exit(f"{type(error).__name__}: {error}")
    found = {"workflow": spec["workflow"]["specification"], "parameters": spec.get("inputs", {}).get("parameters", {})}
    Path(answer).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
