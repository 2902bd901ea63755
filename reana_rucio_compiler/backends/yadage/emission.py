"""The stages that we add: what each runs, as Yadage has it.

Measured on REANA 0.9 and 0.95, and the reason for what they look like:

- A job starts in the image's directory, and ``{workdir}`` is known to parameters only: hence ``rucio_workdir``.
- The result of most publishers is taken for known before the stage has run, and whoever only depends on the stage then
  runs at once. ``fromparjq-pub`` with ``glob`` is not among them, so that a dependency on our stages is one.
- REANA warns of every word between braces in a script that is no parameter. So a script of ours has none: they travel
  as digraphs, as C has them. And it warns of every parameter between no braces: they stand in a comment.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ...model import Transfer
from ...staging import Embedding, Job, unique
from .workflow import INIT

WORKDIR = "rucio_workdir"


@dataclass(frozen=True)
class Staging:
    """A stage of ours: one job of the stager.

    ``consumers`` are the indexes of the user's stages that wait for it. ``publishes`` are the parameters that it
    publishes again, ``globs`` those of their values that have to match something once it has run, ``constants`` the
    names of workspace paths that it publishes too (stage-in); ``follows`` are the results that it waits for, JSONPath
    and output (stage-out).
    """

    name: str
    job: Job
    consumers: frozenset[int] = frozenset()
    publishes: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    constants: tuple[tuple[str, str], ...] = ()
    dependencies: tuple[str, ...] = ()
    follows: tuple[tuple[str, str | None], ...] = ()

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        """What it stages in."""
        return self.job.downloads


def stage_of(staging: Staging, embedding: Embedding, prefix: str, elsewhere: bool) -> dict[str, Any]:
    """The stage as data. ``prefix`` is what stands for the workspace in the parameters that it publishes."""
    workdir = unique(WORKDIR, staging.publishes, "_")
    parameters: dict[str, Any] = {workdir: "{workdir}"}
    parameters.update((key, {"step": INIT, "output": key}) for key in staging.publishes)
    parameters.update((key, prefix + path) for key, path in staging.constants)
    for number, (query, output) in enumerate(staging.follows, 1):
        selection = {"stages": query} if output is None else {"stages": query, "output": output}
        parameters[f"rucio_output_{number}"] = selection
    names = list(parameters)[1:]
    return {
        "name": staging.name,
        "dependencies": list(staging.dependencies),
        "scheduler": {
            "scheduler_type": "singlestep-stage",
            "parameters": parameters,
            "step": {
                "process": {
                    "process_type": "interpolated-script-cmd",
                    "interpreter": "bash",
                    "script": _script(staging, embedding, workdir),
                },
                "publisher": {
                    "publisher_type": "fromparjq-pub",
                    "glob": True,
                    "script": _publish(names, workdir, prefix) if staging.publishes else _receipt(names, staging.job),
                },
                "environment": _environment(staging.job, elsewhere),
            },
        },
    }


def _script(staging: Staging, embedding: Embedding, workdir: str) -> str:
    job = staging.job
    command = embedding.command(job)
    opening, closing = next(pair for pair in _digraphs() if _decoded(_encoded(command, pair), pair) == command)
    lines = [
        f'cd "{{{workdir}}}/.." || exit 3',
        *_remove_metadata(job.uploads if job.action == "stage-out" else ()),
        f"sed -e 's/{opening}/{{{{/g' \\",
        f"    -e 's/{closing}/}}}}/g' <<'END_OF_JOB' | bash || exit $?",
        _encoded(command, (opening, closing)).rstrip("\n"),
        "END_OF_JOB",
        f"if ! test -s {shlex.quote(job.receipt)}; then",
        f"  echo 'reana-rucio: error: {job.name} ended without its receipt {job.receipt}' >&2",
        "  exit 1",
        "fi",
        *(_match(glob) for glob in staging.globs),
    ]
    return "\n".join(lines) + "\n"


def _match(glob: str) -> str:
    """What fails where a glob matches nothing: yadage would take it for a file, and scatter over its letters."""
    word = shlex.quote(glob).replace("{", "{{").replace("}", "}}")
    return (
        f"if ! compgen -G {word} >/dev/null; then\n"
        f"  echo 'reana-rucio: error: a parameter names '{word}', and no file that was staged has such a name' >&2\n"
        "  exit 5\n"
        "fi"
    )


def _remove_metadata(uploads: Iterable[Transfer]) -> list[str]:
    """Yadage makes an empty directory in that of each stage, which is no part of an output."""
    paths = (shlex.quote(f"{each.path}/_packtivity") for each in uploads if each.type == "directory")
    return [f"rmdir {path} 2>/dev/null" for path in paths]


def _digraphs() -> Iterator[tuple[str, str]]:
    """What may stand for an opening and a closing brace; a text that holds one of a pair needs another pair."""
    yield from (("<%", "%>"), ("<:", ":>"))
    yield from ((f"<{number}%", f"%{number}>") for number in itertools.count())


def _encoded(text: str, pair: tuple[str, str]) -> str:
    return text.replace("{", pair[0]).replace("}", pair[1])


def _decoded(text: str, pair: tuple[str, str]) -> str:
    return text.replace(pair[0], "{").replace(pair[1], "}")


def _publish(names: list[str], workdir: str, prefix: str) -> str:
    return (
        f"# {prefix}PATH in {_listed(names)} becomes the absolute path of PATH in the workspace.\n"
        f'(.{workdir} | split("/")[:-1] | join("/") + "/") as $workspace\n'
        f"| del(.{workdir})\n"
        f'| walk(if type == "string" and startswith("{prefix}")\n'
        f'    then $workspace + ltrimstr("{prefix}") else . end)\n'
    )


def _receipt(names: list[str], job: Job) -> str:
    comment = f"# Once there is {_listed(names)}.\n" if names else ""
    return f'{comment}del(.[]) | .receipt = "{job.receipt}"\n'


def _listed(names: list[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names if name.isprintable() and not re.search(r"[{}]", name))


def _environment(job: Job, elsewhere: bool) -> dict[str, Any]:
    image, colon, tag = job.instance.environment.rpartition(":")
    if not colon or "/" in tag:
        image, tag = job.instance.environment, ""
    environment: dict[str, Any] = {"environment_type": "docker-encapsulated", "image": image}
    if tag:
        environment["imagetag"] = tag
    resources: list[dict[str, Any]] = []
    if job.instance.needs_sidecar:
        resources += [{"voms_proxy": True}, {"rucio": True}]
    if elsewhere:
        resources.append({"compute_backend": "kubernetes"})
    if resources:
        environment["resources"] = resources
    return environment
