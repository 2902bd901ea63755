"""What REANA's own packages make of a specification; run by serial_runner.py under a REANA environment.

    python _reana.py load ANSWER SPEC PARAMETERS_JSON    load and validate as client, server and engine do, to ANSWER
    python _reana.py upload SPEC WORKSPACE               copy to WORKSPACE what `reana-client run` uploads ("reana-0.9")

The current directory is the one where the user calls reana-client. Warnings go to standard output; exits with 1, and the
reason on standard error, where REANA rejects the specification.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
from pathlib import Path

# Linux takes no longer single argument, and a pod's command is one (facts/reana.md A.4).
LONGEST_ARGUMENT = 131072


def main(action: str, *arguments: str) -> None:
    {"load": load, "upload": upload}[action](*arguments)


def load(answer: str, spec_name: str, parameters: str) -> None:
    """Write the specification, and its steps with all parameters substituted, as JSON."""
    from reana_commons.serial import serial_load

    try:
        spec = client_0_9(spec_name) if has_client() else server_0_95(spec_name)
        workflow = spec["workflow"]["specification"]
        known = spec.get("inputs", {}).get("parameters", {})
        # As `start -p` does: parameters that the specification does not have are dropped.
        known = {**known, **{key: value for key, value in json.loads(parameters).items() if key in known}}
        check_engine_command(workflow, known)
        expanded = serial_load(None, workflow, known)
    except Exception as error:  # noqa: BLE001 - any is a rejection, whose text the caller shows
        sys.exit(f"{type(error).__name__}: {error}")
    options = spec.get("inputs", {}).get("options", {})
    Path(answer).write_text(json.dumps({"steps": expanded["steps"], "options": options}))


def has_client() -> bool:
    try:
        import reana_client  # noqa: F401
    except ImportError:
        return False
    return True


def client_0_9(spec_name: str) -> dict:
    from reana_client.utils import load_validate_reana_spec

    return load_validate_reana_spec(spec_name)


def server_0_95(spec_name: str) -> dict:
    """The client bundles the files, then the server loads and validates the bundle; the server has these policies."""
    from reana_commons.specification import load_reana_spec
    from reana_commons.specification_paths import gather_workspace_seed_members
    from reana_commons.validation.report import validate_serialized_spec

    gather_workspace_seed_members(spec_name)
    spec = load_reana_spec(spec_name)
    report = validate_serialized_spec(spec, {"supported_backends": ["kubernetes", "htcondorcern", "slurmcern"]})
    for warning in report["warnings"]:
        print(f"WARNING: {warning['message']} {warning['path']}")
    if not report["valid"]:
        raise ValueError("; ".join(f"{error['message']} {error['path']}" for error in report["errors"]))
    return spec


def check_engine_command(workflow: dict, parameters: dict) -> None:
    """The engine gets workflow and parameters inside of its one command."""
    encoded = (base64.b64encode(json.dumps(part).encode()) for part in (workflow, parameters))
    length = sum(map(len, encoded))
    if length > LONGEST_ARGUMENT - 1000:
        raise ValueError(f"the engine's command has {length} bytes of workflow and parameters: it cannot be started")


def upload(spec_name: str, workspace: str) -> None:
    """Run the real `upload` command twice, as `run` does, its HTTP requests replaced by copies into the workspace."""
    # Read when the client is imported.
    os.environ.update(REANA_SERVER_URL="http://127.0.0.1:9", REANA_ACCESS_TOKEN="none")
    import reana_client.api.client as api
    import yaml
    from reana_client.cli.files import upload_files

    def copy(_workflow: str, file, name: str, _token: str) -> None:
        target = Path(workspace, name.lstrip("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as copied:
            shutil.copyfileobj(file, copied)

    spec = yaml.safe_load(Path(spec_name).read_text())
    api.upload_file = copy
    api.get_workflow_specification = lambda _workflow, _token: {"specification": spec}
    for sources in ([spec_name], []):  # [] is: what the specification names
        upload_files.main(["-w", "workflow", *sources], standalone_mode=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
