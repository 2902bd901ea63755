"""The command line: parses, calls, prints. All of click is here, and no logic."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import __version__
from .overview import FORMATS as PLAN_FORMATS
from .render import FORMATS

if TYPE_CHECKING:
    from .compiler import Compilation
    from .diagnostics import Diagnostic, Rule
    from .fetching import Fetch
    from .locking import Locking


_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EBADF)


class _Program(click.Group):
    """All commands; what the system refuses, such as to read a file or to write to a full disk, is told in words."""

    def main(self, *args: Any, **options: Any) -> Any:
        try:
            return super().main(*args, **options)
        except OSError as error:
            if error.errno not in _REFUSALS:
                raise
            what = f'"{error.filename}"' if error.filename else "standard output"
            click.echo(f"reana-rucio: error: {what}: {error.strerror}", err=True)
            raise SystemExit(1) from None


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="reana-rucio")
def main() -> None:
    """Write rucio(instance, scope, name) in reana.yaml; get a plain REANA specification that moves the data."""


def _specs(given: Sequence[str]) -> tuple[str, ...]:
    from .freshness import default_specs

    specs = tuple(given) or tuple(map(str, default_specs()))
    if not specs:
        raise click.UsageError("there is no reana.yaml here; name the specification")
    return specs


def _key_values(_: click.Context, __: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    for value in values:
        if "=" not in value:
            raise click.BadParameter(f'"{value}" is not of the form KEY=VALUE')
    return dict(value.split("=", 1) for value in values)


_parameters = click.option(
    "-p", "--parameter", "parameters", multiple=True, metavar="KEY=VALUE", callback=_key_values,
    help="Replace ${KEY} in rucio(...) expressions.",
)  # fmt: skip
_instances = click.option(
    "--instances", "instances", multiple=True, metavar="FILE",
    help="A YAML file with a rucio: instances: block; the specification's own wins.",
)  # fmt: skip


_locked = click.option("--locked", is_flag=True, help="It is an error if the lock does not hold every input.")
_specification = click.argument("specs", nargs=-1, metavar="[SPEC]", type=click.Path(allow_dash=True))


@main.command("compile")
@_specification
@click.option("-o", "--output", metavar="FILE", help="Write the compiled specification there, not to standard output.")
@click.option(
    "--check", "fresh", is_flag=True, help="Write nothing; exit 1 with a diff where a compiled file is stale."
)
@click.option("--diff", "changes", is_flag=True, help="Write nothing; show what compiling changes.")
@_locked
@_parameters
@_instances
def compile_(
    specs: Sequence[str],
    output: str | None,
    fresh: bool,
    changes: bool,
    locked: bool,
    parameters: dict[str, str],
    instances: Sequence[str],
) -> None:
    """Compile SPEC (reana.yaml) to a plain REANA specification."""
    if fresh and changes:
        raise click.UsageError("--check and --diff exclude each other")
    if not specs:
        specs = _specs(specs) if fresh else _specs(specs)[:1]  # a reana.src.yaml, not what it compiled to
    if len(specs) > 1 and (output or not fresh):
        raise click.UsageError("one SPEC at a time, but for --check without -o")
    if fresh:
        raise SystemExit(_report_stale(specs, output, parameters, instances, locked))
    source, result = _compile(specs[0], parameters, instances, locked)
    _show(result.diagnostics)
    if result.text is None:
        raise SystemExit(1)
    if changes:
        from .freshness import changes as shown

        click.echo(shown(result, source, specs[0]), nl=False)
    else:
        _write(result, specs[0], output)


def _compile(
    spec: str, parameters: dict[str, str], instances: Sequence[str], locked: bool = False
) -> tuple[str, Compilation]:
    """What is in a specification, and what it compiles to."""
    from .compiler import compile_bytes, compile_file
    from .workspace import STDIN

    options: Any = {"parameters": parameters, "instances": [Path(each) for each in instances], "locked": locked}
    if spec == "-":
        if sys.stdin is None:
            raise click.UsageError("standard input is closed")
        raw = sys.stdin.buffer.read()
        return raw.decode(errors="replace"), compile_bytes(raw, STDIN, **options)
    result = compile_file(Path(spec), **options)
    return "" if result.text is None else Path(spec).read_bytes().decode(errors="replace"), result


def _write(result: Compilation, spec: str, output: str | None) -> None:
    from . import writer

    try:
        writer.write(result, Path("." if spec == "-" else spec), output)
    except writer.Refused as error:
        click.echo(f"reana-rucio: error: {error}", err=True)
        raise SystemExit(1) from None


def _report_stale(
    specs: Sequence[str], output: str | None, parameters: dict[str, str], instances: Sequence[str], locked: bool
) -> int:
    """Print a diff for every compiled file that is not what would be written; the exit code."""
    from .freshness import compiled_of, outdated
    from .ownership import source_of

    if "-" in specs and not output:
        raise click.UsageError("name the compiled file with -o: standard input has none beside it")
    status = 0
    for spec in dict.fromkeys(spec if spec == "-" else str(source_of(Path(spec))) for spec in specs):
        source, result = _compile(spec, parameters, instances, locked)
        _show(result.diagnostics)
        target = Path(output) if output else compiled_of(Path(spec))
        if result.text is None:
            status = 1
        elif output or target.exists() or result.text != source:
            stale = outdated(result, target)
            options = _options(parameters, instances)
            remedy = shlex.join(["reana-rucio", "compile", spec, *options, "-o", str(target)])
            for number, (path, shown) in enumerate(stale.items(), 1):
                status = 1
                click.echo(shown, nl=False)
                is_missing = "is missing" if not path.exists() else "is not what its source compiles to"
                more = f"; run {remedy}" if number == len(stale) else ""
                click.echo(f"reana-rucio: {path} {is_missing}{more}", err=True)
    return status


def _options(parameters: dict[str, str], instances: Sequence[str]) -> list[str]:
    """The words that give a command these options."""
    words = [word for pair in parameters.items() for word in ("-p", "=".join(pair))]
    return words + [word for file in instances for word in ("--instances", file)]


def _show(diagnostics: Sequence[Diagnostic]) -> None:
    from .render import text

    click.echo(text.render(diagnostics, text.coloured(sys.stderr)), err=True, nl=False)


@main.command("check")
@click.argument("specs", nargs=-1, metavar="[SPEC]...", type=click.Path(allow_dash=True))
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="How to say it.")
@click.option("--strict", is_flag=True, help="Exit 1 for warnings, too.")
@click.option(
    "--online", is_flag=True, help="Ask Rucio, too, what the jobs would stop at; exit 3 if it does not answer."
)
@click.option("--reana-commons", "commons", is_flag=True, help="Ask the installed reana-commons, too.")
@_locked
@_parameters
@_instances
def check_(
    specs: Sequence[str],
    form: str,
    strict: bool,
    online: bool,
    commons: bool,
    locked: bool,
    parameters: dict[str, str],
    instances: Sequence[str],
) -> None:
    """Say what is wrong or suspicious in each SPEC (reana.yaml), and write nothing."""
    from .compiler import all_diagnostics
    from .diagnostics import Severity
    from .render import text

    specs = tuple(dict.fromkeys(_specs(specs)))
    results = [_compile(spec, parameters, instances, locked)[1] for spec in specs]
    also = ""
    if commons:
        results, also = _ask_commons(results)
    if online:
        from . import online as rucio

        with _asking() as talk:
            results = [rucio.checked(result, **talk) for result in results]
        also += " with Rucio" if any(result.plan for result in results) else ", without Rucio"
    found = all_diagnostics(results)
    if form == "text":
        click.echo(text.render(found, text.coloured(sys.stdout)), nl=False)
    else:
        click.echo(import_module(f".render.{form}", __package__).render(found), nl=False)
    click.echo(f"reana-rucio: checked {text.named(specs)}{also}: {text.summary(found)}", err=True)
    bad = (Severity.ERROR, Severity.WARNING) if strict else (Severity.ERROR,)
    raise SystemExit(int(any(each.severity in bad for each in found)))


def _ask_commons(results: list[Compilation]) -> tuple[list[Compilation], str]:
    """The results with what reana-commons says beyond them, and which version said it."""
    from . import commons

    try:
        return [commons.checked(result) for result in results], f" with reana-commons {commons.version()}"
    except commons.Missing as error:
        raise click.UsageError(str(error)) from None


@main.command("fetch")
@_specification
@click.option("--into", metavar="DIR", help="Fetch into this directory, not into that of SPEC.")
@click.option(
    "-w", "--wildcard", "wildcards", multiple=True, metavar="NAME=VALUE", callback=_key_values,
    help="The value of a wildcard of Snakemake's in names and paths.",
)  # fmt: skip
@_parameters
@_instances
def fetch_(
    specs: Sequence[str],
    into: str | None,
    wildcards: dict[str, str],
    parameters: dict[str, str],
    instances: Sequence[str],
) -> None:
    """Stage in, on this machine, what SPEC (reana.yaml) reads; run again, it fetches what is missing or wrong.

    The exit code is that of the staging job: 3 without client or credentials, 5 for a DID that Rucio does not have...
    """
    from . import fetching
    from .credentials import Missing

    spec, result = _compiled(specs, parameters, instances)
    if result.plan is None:
        click.echo(f"reana-rucio: {spec} has no rucio(...): nothing to fetch", err=True)
        return
    try:
        fetches, left_out = fetching.plan_fetches(result.plan, wildcards)
    except Missing as error:
        click.echo(f"reana-rucio: error: {error}", err=True)
        raise SystemExit(fetching.SECRET) from None
    place = Path(into) if into else result.base
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f'--into "{place}": {error.strerror}; name a directory') from None
    codes = [_fetch(each, place) for each in fetches]
    for transfer in left_out:
        names = " ".join(f"-w {name}=VALUE" for name in fetching.unknown(transfer))
        message = f"{transfer.did} has wildcards, whose values only Snakemake knows; fetch it with {names}"
        click.echo(f"reana-rucio: error: {message}", err=True)
    raise SystemExit(next((code for code in codes if code), 2 if left_out else 0))


def _fetch(wanted: Fetch, place: Path) -> int:
    """Fetch from one instance, with a bar on a terminal and lines elsewhere; the exit code."""
    import shutil

    from .fetching import Bar, fetch

    shows, bar = sys.stderr.isatty(), Bar(shutil.get_terminal_size().columns)

    def show(line: str) -> None:
        drawn = bar.line(line) if shows else None
        click.echo(f"\r\033[K{drawn}" if drawn else "\r\033[K" * shows + line, err=True, nl=drawn is None)

    def arriving(count: int) -> None:
        drawn = bar.arriving(count)
        click.echo(f"\r\033[K{drawn}" if drawn else "", err=True, nl=False)

    result = fetch(wanted, place, show, arriving if shows else None)
    said = result.errors.replace("reana-rucio: error: ", f"reana-rucio: error: {wanted.job.instance.name}: ")
    click.echo(("\r\033[K" * shows if said else "") + said, err=True, nl=False)
    for path in [] if result.code else result.others:
        click.echo(f"reana-rucio: {path} is left of a fetch of something else, and can be removed", err=True)
    if result.kept:
        click.echo(f"reana-rucio: what has arrived is in {result.kept}: the next fetch goes on from there", err=True)
    if result.code > 128:
        raise SystemExit(result.code)
    return result.code


@main.command("secrets")
@_specification
@_parameters
@_instances
def secrets_(specs: Sequence[str], parameters: dict[str, str], instances: Sequence[str]) -> None:
    """Print the reana-client secrets-add commands that SPEC (reana.yaml) needs; no secret is read or shown."""
    from . import reana_secrets

    spec, result = _compiled(specs, parameters, instances)
    click.echo(reana_secrets.render(result.plan, spec), nl=False)


@main.command("plan")
@_specification
@click.option(
    "--format", "form", type=click.Choice(PLAN_FORMATS), default="text", show_default=True, help="How to say it."
)
@_parameters
@_instances
def plan_(specs: Sequence[str], form: str, parameters: dict[str, str], instances: Sequence[str]) -> None:
    """Show what SPEC (reana.yaml) will move where, in which pods, and how much; sizes are those of its lock."""
    from .overview import MODULES
    from .overview.facts import gather

    spec, result = _compiled(specs, parameters, instances)
    module = import_module(f".overview.{MODULES[form]}", __package__)
    click.echo(module.render(gather(result, "<stdin>" if spec == "-" else spec)), nl=False)


@main.command("run", context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[SPEC] [OPTIONS OF reana-client run]")
@_instances
def run_(words: Sequence[str], instances: Sequence[str]) -> None:
    """Compile SPEC (reana.yaml) in place, then `reana-client run` it; the exit status is that of reana-client.

    Other options are handed on as they are. What -p KEY=VALUE says replaces ${KEY} in rucio(...) expressions, too.
    """
    from . import launch

    try:
        arguments = launch.parse(words)
        program = launch.client()
        launch.check_connection(program, arguments.token, os.environ)
        named = [arguments.spec] if arguments.spec else []
        spec, result = _compiled(named, dict(arguments.parameters), instances)
        _show(result.diagnostics)
        launch.check_selection(result, arguments.options)
    except launch.Refused as error:
        click.echo(f"reana-rucio: error: {error}", err=True)
        raise SystemExit(2) from None
    target = spec
    if result.plan:
        from .freshness import compiled_of

        target = str(compiled_of(Path(spec)))
        _write(result, spec, target)
    click.echo(f"reana-rucio: handing {target} over to reana-client", err=True)
    launch.hand_over(program, Path(target), result.base, arguments.rest)


def _compiled(specs: Sequence[str], parameters: dict[str, str], instances: Sequence[str]) -> tuple[str, Compilation]:
    """The specification that is meant, of a compiled one its source, and what it compiles to; an error ends it."""
    from .diagnostics import Severity
    from .ownership import source_of

    spec = _specs(specs)[0]
    if len(specs) > 1:
        raise click.UsageError("one SPEC at a time")
    spec = spec if spec == "-" else str(source_of(Path(spec)))
    result = _compile(spec, parameters, instances)[1]
    if result.text is None:
        _show([found for found in result.diagnostics if found.severity is Severity.ERROR])
        raise SystemExit(1)
    return spec, result


@main.command("lock")
@_specification
@click.option("--check", "fresh", is_flag=True, help="Write nothing; exit 1 if Rucio does not agree with the lock.")
@click.option("--update", multiple=True, metavar="DID", help="Lock only this DID (scope:name) anew; repeatable.")
@_parameters
@_instances
def lock_(
    specs: Sequence[str], fresh: bool, update: Sequence[str], parameters: dict[str, str], instances: Sequence[str]
) -> None:
    """Write down what each input of SPEC (reana.yaml) holds in Rucio, for compiled steps to hold it to that.

    The lock stands beside SPEC, as reana.rucio-lock.json. Exit 1: a DID that Rucio does not have, or with --check a
    difference; 2: no client here, or no credentials that Rucio takes; 3: Rucio, or one of several, did not answer.
    """
    from .locking import UnknownDid, lock_file

    if fresh and update:
        raise click.UsageError("--check and --update exclude each other")
    specs = _sources(specs)
    if len(specs) > 1 and not fresh:
        raise click.UsageError("one SPEC at a time, but for --check")
    status, files = 0, [Path(each) for each in instances]
    for spec in specs:
        try:
            with _asking() as talk:
                result = lock_file(
                    Path(spec), parameters=parameters, instances=files, update=update or None, check=fresh, **talk
                )
        except UnknownDid as error:
            raise click.UsageError(str(error)) from None
        _show(result.diagnostics)
        again = shlex.join(["reana-rucio", "lock", spec, *_options(parameters, instances)])
        status = max(status, int(result.text is None), _finish_lock(again, result, fresh))
    raise SystemExit(status)


def _sources(specs: Sequence[str]) -> tuple[str, ...]:
    """The specifications that are meant, of compiled ones their sources."""
    from .ownership import source_of

    if "-" in specs:
        raise click.UsageError("a lock stands beside a file; name the specification")
    given = _specs(specs) if specs else _specs(specs)[:1]
    return tuple(dict.fromkeys(str(source_of(Path(spec))) for spec in given))


def _finish_lock(again: str, result: Locking, fresh: bool) -> int:
    """Write a lock, or say what is not as it says, and by which command it is made ``again``; the exit code."""
    from . import writer

    if result.text is None:
        return 1
    summary = f"{result.path}: {result.summary}"
    if not fresh:
        try:
            is_new = writer.write_lock(result.path, result.text)
        except writer.Refused as error:
            click.echo(f"reana-rucio: error: {error}", err=True)
            return 1
        click.echo(f"reana-rucio: {'wrote' if is_new else 'nothing has changed in'} {summary}", err=True)
        return 0
    for line in result.differences:
        click.echo(line)
    if result.differences:
        click.echo(f"reana-rucio: {result.path} is not what Rucio holds; run {again}", err=True)
    else:
        click.echo(f"reana-rucio: Rucio agrees with {summary}", err=True)
    return int(bool(result.differences))


@contextlib.contextmanager
def _asking() -> Iterator[dict[str, Any]]:
    """How those who ask Rucio talk meanwhile; where it does not answer, that is said, and the command ends.

    SIGTERM ends it, too, with the processes that ask.
    """
    from .catalogue import NoClient, Unanswered
    from .credentials import Missing

    clear = "\r\x1b[K" if sys.stderr.isatty() else ""

    def progress(done: int, total: int) -> None:
        if clear:
            bar = ("=" * (20 * done // total)).ljust(20)
            click.echo(f"{clear}[{bar}] Rucio has told of {done} of {total} DIDs", err=True, nl=False)

    def say(text: str) -> None:
        click.echo(f"{clear}reana-rucio: {text}", err=True)

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield {"progress": progress, "say": say}
        click.echo(clear, err=True, nl=False)
    except (Missing, NoClient, Unanswered) as error:
        for line in str(error).splitlines():
            say(f"error: {line}")
        raise SystemExit(3 if isinstance(error, Unanswered) else 2) from None
    finally:
        signal.signal(signal.SIGTERM, before)


class _Code(click.ParamType):  # type: ignore[type-arg]
    """A rule by its code or its name."""

    name = "code"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Rule:
        from .instances import nearest
        from .rules import RULES

        known = {name: rule for rule in RULES for name in (rule.code, rule.name)}
        rule = known.get(value.upper()) or known.get(value.lower())
        if rule is None:
            names = [name for name in known if not name.startswith("RR")]  # one number is as near as another
            self.fail(f'there is no rule "{value}"; {nearest(value, names) or "reana-rucio explain lists them"}')
        return rule

    def shell_complete(self, _: click.Context, __: click.Parameter, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        from .rules import RULES

        # Click tells fish what is completed and why in one line, which is cut at its commas.
        helps = {rule.code: rule.title.replace(",", ";") for rule in RULES}
        return [CompletionItem(code, help=text) for code, text in helps.items() if code.startswith(incomplete.upper())]


@main.command("explain")
@click.argument("rule", required=False, metavar="[CODE]", type=_Code())
def explain_(rule: Rule | None) -> None:
    """Say what a diagnostic means, with a wrong and a right example; without CODE, list them all."""
    if rule is None:
        from .rules import RULES

        for each in RULES:
            click.echo(f"{each.code}  {each.severity.value:<8} {each.title}")
        return
    from . import explanations

    ignorable = f"\nTo allow it on a line: # rucio: ignore[{rule.code}]\n" if rule.ignorable else ""
    heading = f"{rule.code} {rule.name} ({rule.severity.value}): {rule.title}"
    click.echo(f"{heading}\n\n{explanations.load(rule).plain}{ignorable}", nl=False)


@main.command("schema")
def schema_() -> None:
    """Print the JSON schema of a reana.yaml with rucio(...) in it, for editors."""
    from . import resources

    click.echo(resources.read("schemas", "reana-rucio.json"), nl=False)


@main.command("instances")
def instances_() -> None:
    """List the instances that need no description."""
    from .instances import BUILT_IN

    for instance in BUILT_IN:
        host = instance.rucio_host or "what the secrets VONAME, RUCIO_RUCIO_HOST and RUCIO_AUTH_HOST say"
        click.echo(f"{instance.name:<10} {host}")
