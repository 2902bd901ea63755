"""Says what the installed reana-commons thinks of a specification: a line of JSON in, a line of JSON out.

Runs under the interpreter of the environment that holds that reana-commons, never in the test process.

To {"judge": SPECIFICATION} the answer is {"verdict": "fine", "warning" or "error", "findings": [[path, keyword]]}.
The verdict comes from the functions that REANA's client calls. These stop at the first error or do not locate
it; the findings are therefore all errors of the same two schemas, and the answers of the same checks field by
field. To {"texts": null} the answer is the list of all titles and descriptions in REANA's schema.
"""

import json
import logging
import os
import sys

from jsonschema.validators import validator_for
from reana_commons import serial
from reana_commons.config import reana_yaml_schema_file_path
from reana_commons.validation.utils import validate_reana_yaml

with open(reana_yaml_schema_file_path) as schema_file:
    ANALYSIS_SCHEMA = json.load(schema_file)

HTCONDOR_CHECKS = [
    getattr(serial, name)
    for name in ("check_htcondor_max_runtime", "check_htcondor_request_parameters")
    if hasattr(serial, name)
]


def verdict(spec):
    """What the client concludes: loading a serial workflow comes before the schema, and either may raise."""
    try:
        workflow = spec["workflow"]
        if workflow["type"] == "serial":
            serial.serial_load(None, workflow.get("specification"), original=True)
        return "warning" if validate_reana_yaml(spec) else "fine"
    except Exception:  # noqa: BLE001 - REANA raises whatever its code runs into, a KeyError or a TypeError too
        return "error"


def findings(spec):
    """Every (path, keyword) that REANA's two schemas and its checks of HTCondor settings object to."""
    found = errors(ANALYSIS_SCHEMA, spec, [])
    workflow = spec.get("workflow") if isinstance(spec, dict) else None
    # REANA's schema takes a workflow without a type for a serial one.
    if not isinstance(workflow, dict) or workflow.get("type", "serial") != "serial":
        return found
    if "specification" in workflow:
        place = ["workflow", "specification"]
        found += errors(serial.serial_workflow_schema, workflow["specification"], place)
        found += htcondor(workflow["specification"], place)
    elif "type" in workflow:
        found.append([["workflow"], "required"])  # a TypeError in serial_load
    return found


def errors(schema, instance, place):
    """Every (path, keyword) of one schema, with `place` before each path."""
    validator = validator_for(schema)(schema)
    return [[place + list(error.absolute_path), error.validator] for error in validator.iter_errors(instance)]


def htcondor(specification, place):
    """The fields that REANA's checks refuse, asked one at a time because they only tell that there is one."""
    steps = specification.get("steps") if isinstance(specification, dict) else None
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        for field in step if isinstance(step, dict) else []:
            if not all(passes(check, {field: step[field]}) for check in HTCONDOR_CHECKS):
                yield [[*place, "steps", index, field], "pattern"]


def passes(check, step):
    """Whether one of REANA's checks accepts this step."""
    try:
        return check({"steps": [step]})
    except (TypeError, ValueError):
        return False


def texts(schema):
    """Every title and description in a schema."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key in ("title", "description") and isinstance(value, str):
                yield value
            yield from texts(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from texts(value)


def main():
    """Answer questions until standard input ends."""
    logging.disable(logging.CRITICAL)
    # REANA prints its complaints; standard output is for the answers alone.
    answers, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115
    for line in sys.stdin:
        question = json.loads(line)
        if "texts" in question:
            answer = list(texts(ANALYSIS_SCHEMA))
        else:
            answer = {"verdict": verdict(question["judge"]), "findings": findings(question["judge"])}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
