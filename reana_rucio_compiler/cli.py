"""The command line: parses, calls, prints. All of click is here, and no logic."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from . import __version__

DEFAULT_SPECS = ("reana.yaml", "reana.yml")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="reana-rucio")
def main() -> None:
    """Write rucio(instance, scope, name) in reana.yaml; get a plain REANA specification that moves the data."""


def _spec_argument(value: str | None) -> str:
    if value:
        return value
    found = next((name for name in DEFAULT_SPECS if Path(name).exists()), None)
    if found is None:
        raise click.UsageError("there is no reana.yaml here; name the specification")
    return found


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


@main.command("compile")
@click.argument("spec", required=False)
@click.option("-o", "--output", metavar="FILE", help="Write the compiled specification there, not to standard output.")
@_parameters
@_instances
def compile_(spec: str | None, output: str | None, parameters: dict[str, str], instances: Sequence[str]) -> None:
    """Compile SPEC (reana.yaml) to a plain REANA specification."""
    from . import writer
    from .compiler import compile_bytes, compile_file

    spec = _spec_argument(spec)
    if spec == "-":
        result = compile_bytes(
            sys.stdin.buffer.read(), "<stdin>", parameters=parameters, instances=[Path(each) for each in instances]
        )
    else:
        result = compile_file(Path(spec), parameters=parameters, instances=[Path(each) for each in instances])
    _show(result.diagnostics)
    if result.text is None:
        raise SystemExit(1)
    try:
        writer.write(result, Path("." if spec == "-" else spec), output)
    except writer.Refused as error:
        click.echo(f"reana-rucio: error: {error}", err=True)
        raise SystemExit(1) from None


def _show(diagnostics: Sequence[object]) -> None:
    from .render import text

    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    click.echo(text.render(diagnostics, colour), err=True, nl=False)  # type: ignore[arg-type]


@main.command("instances")
def instances_() -> None:
    """List the instances that need no description."""
    from .instances import BUILT_IN

    for instance in BUILT_IN:
        host = instance.rucio_host or "what the secrets VONAME, RUCIO_RUCIO_HOST and RUCIO_AUTH_HOST say"
        click.echo(f"{instance.name:<10} {host}")
