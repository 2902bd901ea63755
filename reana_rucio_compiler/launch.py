"""Hand a compiled specification over to ``reana-client run``, unless its options would leave a staging step out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from . import documents
from .compiler import Compilation
from .diagnostics import Report
from .plan import engine_of
from .source import Source
from .task import Step

# The options of ``reana-client run`` that are followed by a value; everything else that begins with a dash is a flag.
_FILE, _PARAMETER, _OPTION, _TOKEN = (
    ("-f", "--file"),
    ("-p", "--parameter"),
    ("-o", "--option"),
    ("-t", "--access-token"),
)
_WITH_VALUE = (*_FILE, *_PARAMETER, *_OPTION, *_TOKEN, "-n", "--name", "-w", "--workflow")


class Refused(Exception):
    """It cannot be handed over; the message says why and what to do."""


@dataclass(frozen=True)
class Arguments:
    """What was given to ``run``: ``rest`` is for reana-client, as it was; ``spec`` is None where none was named."""

    spec: str | None
    rest: tuple[str, ...]
    parameters: Mapping[str, str]
    options: Mapping[str, str]
    token: bool


def parse(words: Sequence[str]) -> Arguments:
    """Tell the specification from what is reana-client's, of which only some is looked at."""
    spec: str | None = None
    rest: list[str] = []
    given: dict[str, dict[str, str]] = {"-p": {}, "-o": {}}
    token = False
    for name, value, here in _read(words):
        if not name and spec is None:
            spec = _file(value)
            continue
        if name in _FILE:
            raise Refused(f'"{here[0]}" is what reana-rucio says to reana-client; name the specification without it')
        for known in (_PARAMETER, _OPTION):
            if name in known and value:
                key, _, text = value.partition("=")
                given[known[0]][key] = text
        token = token or name in _TOKEN
        rest += here
    return Arguments(spec, tuple(rest), given["-p"], given["-o"], token)


def _file(name: str) -> str:
    if name == "-":
        raise Refused("reana-client needs files, and standard input is none; name the specification")
    return name


def _read(words: Sequence[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Each option with its value and the words that say it; the name of what is no option is empty."""
    waiting = iter(words)
    for word in waiting:
        if not word.startswith("-") or word == "-":
            yield "", word, [word]
            continue
        name, equals, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        behind = next(waiting, None) if name in _WITH_VALUE and not equals else None
        yield (name, value, [word]) if behind is None else (name, behind, [word, behind])


def client() -> str:
    """The program ``reana-client``: the one in PATH, else the one beside this Python."""
    found = shutil.which("reana-client") or shutil.which("reana-client", path=str(Path(sys.executable).parent))
    if found is None:
        raise Refused("there is no reana-client here; install it: pip install reana-client")
    return found


def check_connection(program: str, token: bool, environment: Mapping[str, str]) -> None:
    """Refuse where reana-client would not know the server or the user. From 0.95 on it keeps both itself."""
    missing = [] if environment.get("REANA_SERVER_URL") else ["REANA_SERVER_URL"]
    missing += [] if token or environment.get("REANA_ACCESS_TOKEN") else ["REANA_ACCESS_TOKEN"]
    if missing and _version(program).startswith("0.9."):
        values = {"REANA_SERVER_URL": "https://reana.cern.ch", "REANA_ACCESS_TOKEN": "XXXXXXX"}
        remedy = " ".join(f"{name}={values[name]}" for name in missing)
        verb = "are" if len(missing) > 1 else "is"
        raise Refused(f"{' and '.join(missing)} {verb} not set; your REANA profile page says it: export {remedy}")


def _version(program: str) -> str:
    """What reana-client says that it is; nothing if it does not even start, which it will say itself."""
    asked = subprocess.run(  # noqa: S603 - the program that the user wants to run
        [program, "version"], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return asked.stdout.strip()


def check_selection(result: Compilation, given: Mapping[str, str]) -> None:
    """Refuse where the options leave out a staging step."""
    lost = cut_off(result, given)
    if lost:
        raise Refused(f"FROM or TARGET leaves out {', '.join(lost)}; run it without the two")


def cut_off(result: Compilation, given: Mapping[str, str]) -> tuple[str, ...]:
    """The staging steps that FROM and TARGET would leave out, in order; those that are given win over the file's.

    The serial engine runs the steps between the two, and all of them where neither is a step or their order is wrong
    (facts A.2). CWL's engine runs a step that TARGET names with all that follows it, or what leads to an output.
    """
    document = documents.parse(Source("compiled", result.text or ""), Report())
    node = document.at(("inputs", "options")) if document else None
    options = {**{key.value: value.value for key, value in (node.pairs if node else ())}, **given}
    engine, steps = engine_of(document) if document else "", result.steps
    if engine == "serial":
        kept = _between(steps, options.get("FROM", ""), options.get("TARGET", ""))
    elif engine == "cwl" and options.get("TARGET"):
        kept = _towards(steps, options["TARGET"])
    else:
        return ()
    return tuple(step.name for step in steps if step.jobs and step.name not in kept)


def _between(steps: Sequence[Step], first: str, last: str) -> set[str]:
    names = [step.name.lower() for step in steps]
    start = names.index(first.lower()) if first.lower() in names else 0
    end = names.index(last.lower()) + 1 if last.lower() in names else len(names)
    return {step.name for step in (steps[start:end] if start <= end else steps)}


def _towards(steps: Sequence[Step], target: str) -> set[str]:
    kept = {step.name for step in steps if step.name == target}
    if not kept:  # an output: what leads to it is run, and no upload does
        return {step.name for step in steps if not any(job.action == "stage-out" for job in step.jobs)}
    for step in steps:  # which are in order
        if set(step.after) & kept:
            kept.add(step.name)
    return kept


def hand_over(program: str, compiled: Path, base: Path, rest: Sequence[str]) -> NoReturn:
    """Become ``reana-client run``, in ``base``, to which REANA 0.9 takes all paths to be relative (facts A.2)."""
    words = [program, "run", "-f", os.path.relpath(compiled, base), *rest]
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(base)
    os.execv(os.path.abspath(program) if os.sep in program else program, words)  # noqa: S606 - no shell is wanted
