"""What the installed reana-commons says of a specification. All of reana-commons is here.

Asked are its two schemas and the checks that REANA's client and server make of a specification alone. Its loaders of
CWL, Yadage and Snakemake workflows are not: that of Snakemake executes the file.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import rules
from .diagnostics import Report
from .documents import Document, Where
from .schema import Finding, findings_by, is_taken

if TYPE_CHECKING:
    from .compiler import Compilation


class Missing(Exception):
    """reana-commons cannot be imported; the message says what to do."""


def version() -> str:
    """The version of the installed reana-commons. Raises ``Missing``."""
    try:
        from reana_commons.validation import operational_options  # noqa: F401 - where old ones have none of it
        from reana_commons.version import __version__
    except ImportError as error:
        why = "is not installed beside reana-rucio" if error.name == "reana_commons" else f"cannot be used: {error}"
        raise Missing(f"reana-commons {why}; pip install 'reana-rucio[reana]'") from None
    return str(__version__)


def checked(result: Compilation) -> Compilation:
    """A compilation whose diagnostics tell also what reana-commons refuses or ignores of its source.

    What they tell already is not repeated. Raises ``Missing``.
    """
    report, document, name = Report(list(result.diagnostics)), result.document, f"reana-commons {version()}"
    if document is None or document.root.kind != "mapping":
        return result
    for refused, path, message, hint in _findings(document):
        key = not refused or path[:2] == ("inputs", "options")
        span = document.key_span(path) if key else document.span(path)
        ignored = (rules.REANA_IGNORES, rules.REANA_VERSION)
        known = any(each.span == span and each.rule in ignored for each in report.diagnostics)
        if not report.covers(span) and (refused or not known):
            rule = rules.REANA_REFUSES if refused else rules.REANA_IGNORES
            report.add(rule, span, f"{name} {'refuses' if refused else 'ignores'} this: {message}", hint)
    return result._replace(diagnostics=report.diagnostics)


def _findings(document: Document) -> list[Finding]:
    data = {key: value for key, value in document.root.data.items() if key != "rucio"}
    with _silenced():
        found = _by_schemas(data)
        refused = {path for is_error, path, _, _ in found if is_error}
        for where, ask in _checks(data):
            # They stop at the first error, and say of some what the schemas say, too.
            error = _error_of(ask)
            if error and not any(path[: len(where)] == where for path in refused):
                found.append((True, _narrowed(document, where, error), error, ""))
    return found


def _by_schemas(data: dict[str, Any]) -> list[Finding]:
    from reana_commons.config import reana_yaml_schema_file_path
    from reana_commons.serial import serial_workflow_schema

    found = findings_by(json.loads(Path(reana_yaml_schema_file_path).read_text(encoding="utf-8")), data)
    workflow = data.get("workflow")
    if isinstance(workflow, dict) and workflow.get("type") == "serial" and "specification" in workflow:
        inner = findings_by(serial_workflow_schema, workflow["specification"])
        found += [(refused, (*_STEPS, *path), message, hint) for refused, path, message, hint in inner]
    # What is staged is no entry when it is counted (limits.py).
    told = [each for each in dict.fromkeys(found) if each[1][:1] != ("inputs",) or "may have at most" not in each[2]]
    return [each for each in told if not is_taken(*each[:2])]


_STEPS: Where = ("workflow", "specification")


def _checks(data: dict[str, Any]) -> Iterator[tuple[Where, Callable[[], object]]]:
    """The functions of reana-commons that raise what they refuse, each with the part of a specification it is about."""
    from reana_commons import serial
    from reana_commons.validation import operational_options, utils

    workflow, inputs = data.get("workflow"), data.get("inputs")
    engine = workflow.get("type") if isinstance(workflow, dict) else None
    yield (), lambda: utils.validate_reana_yaml(data)
    if engine == "serial" and isinstance(workflow, dict):
        yield _STEPS, lambda: serial.serial_load(None, workflow.get("specification"), original=True)
    if isinstance(inputs, dict):
        options = inputs.get("options") or {}
        yield ("inputs", "options"), lambda: operational_options.validate_operational_options(engine, options)
        if hasattr(utils, "validate_inputs"):  # from 0.95 on
            plain = {key: [each for each in inputs.get(key) or [] if "rucio(" not in str(each)] for key in _LISTS}
            yield ("inputs",), lambda: utils.validate_inputs({"inputs": plain})


_LISTS = ("files", "directories")


def _error_of(ask: Callable[[], object]) -> str:
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - whatever its code runs into: a KeyError or a TypeError, too
        said = str(getattr(error, "message", error)) or type(error).__name__
        return re.sub(r"\A==> ERROR: ", "", said.splitlines()[0])
    return ""


def _narrowed(document: Document, where: Where, error: str) -> Where:
    """The place of the first key or string at or below a place that an error quotes; else the place itself."""
    node = document.at(where)
    if node is None:
        return where
    for key, child in node.children:
        if isinstance(key, str) and f'"{key}"' in error:
            return (*where, key)
        for index, item in enumerate(child.items):
            if item.value and re.search(rf"(?<![\w./-]){re.escape(item.value)}(?![\w/-])", error):
                return (*where, key, index)
    return where


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Keep reana-commons from printing and logging what it also raises."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(level)
