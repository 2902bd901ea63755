"""The text of the generated Snakefile.

What only Snakemake can know (the user's default target, who makes a file, which rules have wildcards) is asked of it
when it loads the file, by the few lines of Python here; each was run with Snakemake 7.32 and 9.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from posixpath import basename

from ...model import Transfer
from ...staging import Embedding, Job
from ...tuples import NamedTuple
from .needed import Waits
from .wildcards import without_constraints


class StagingRule(NamedTuple):
    """A rule of ours. ``waits_for`` are receipts that are to exist before it runs, whatever their age.

    ``waits`` says which rules of the user's wait for it that do not take its ``outputs``.
    """

    name: str
    job: Job
    outputs: tuple[str, ...]
    waits_for: tuple[str, ...] = ()
    waits: Waits = Waits()
    elsewhere: bool = False


def generate(
    source: str, first_line: str, rules: Sequence[StagingRule], target: str, own: str, embedding: Embedding
) -> str:
    """A Snakefile that loads ``source``, which stands beside it, and adds the rules, of which ``target`` may be one.

    The names of its variables begin with ``own``, which no name of the user's does.
    """
    first = [rule for rule in rules if rule.job.action != "stage-out"]
    last = [rule for rule in rules if rule.job.action == "stage-out"]
    parts = [_head(source, first_line)]
    checks = [rule.name for rule in first if rule.job.action == "stage-check"]
    if checks:
        parts.append(_checks(checks, own))
    waited = [rule for rule in first if _is_waited_for(rule)]
    if waited:
        parts.append(_waits(waited, own))
    parts += [_rule(rule, embedding) for rule in first]
    ordered = [rule.name for rule in first if rule.job.wildcards]
    if ordered:
        parts.append(_order(ordered, own))
    if last:
        parts.append(_outputs(last[0].job, own))
        parts += [_rule(rule, embedding, (f"{own}_outputs",)) for rule in last]
        parts.append(_target(target, [rule.name for rule in last], own))
    return "\n".join(parts)


def _head(source: str, first_line: str) -> str:
    first = first_line.encode("ascii", "backslashreplace").decode()
    return f"""{first}# It loads that Snakefile as it is, default target included, and adds rules that move Rucio data.

workflow.include({literal(basename(source))}, overwrite_default_target=True)
"""


def _checks(names: Sequence[str], own: str) -> str:
    gets = "".join(f"    checkpoints.{name}.get()\n" for name in names)
    return f"""
# No job starts before the outputs are checked: an input that each rule waits for, and that is none once they are.
def {own}_checked(wildcards):
{gets}    return []


for {own}_rule in workflow.rules:
    {own}_rule.set_input({own}_checked)
"""


def _is_waited_for(rule: StagingRule) -> bool:
    return rule.waits.every or bool(rule.waits.pattern)


def _waits(rules: Sequence[StagingRule], own: str) -> str:
    patterns = "".join(f"    {literal(rule.name)}: {_raw(rule.waits.pattern)},\n" for rule in rules)
    return rf"""
# What rules need that is not in their input: what their commands and parameters name, with the values of variables.
# Where it is not seen which rules need it, an empty pattern is found in all of them that run something.
import re as {own}_re

{own}_patterns = {{
{patterns}}}


def {own}_named(rule):
    variables = {own}_re.findall(r"{{\s*(\w+)", rule.shellcmd or "")
    words = [rule.shellcmd, *rule.params, *(workflow.globals.get(name) for name in variables)]
    return " ".join(f"{{word}}" for word in words)


def {own}_staged(name):
    def wait(wildcards):
        getattr(checkpoints, name).get()
        return []

    return wait


for {own}_rule in workflow.rules:
    for {own}_name, {own}_pattern in {own}_patterns.items():
        if not {own}_rule.norun and {own}_re.search({own}_pattern, {own}_named({own}_rule)):
            {own}_rule.set_input({own}_staged({own}_name))
"""


def _raw(pattern: str) -> str:
    """A regular expression as Python reads it, without doubled backslashes where that can be."""
    return f'r"{pattern}"' if pattern.isascii() and pattern.isprintable() and '"' not in pattern else ascii(pattern)


def _rule(rule: StagingRule, embedding: Embedding, also: Iterable[str] = ()) -> str:
    job = rule.job
    kind = "checkpoint" if job.action == "stage-check" or _is_waited_for(rule) else "rule"
    lines = ["", f"{kind} {rule.name}:"]
    inputs = [*also, *(f"ancient({literal(path)})" for path in rule.waits_for)]
    if inputs:
        lines += ["    input:", *(f"        {text}," for text in inputs)]
    lines += ["    output:", *(f"        {text}," for text in rule.outputs)]
    lines += ["    container:", f"        {literal(_image(job.instance.environment))}"]
    resources = ["voms_proxy=True", "rucio=True"] if job.instance.needs_sidecar else []
    resources += ['compute_backend="kubernetes"'] if rule.elsewhere else []
    if resources:
        lines += ["    resources:", *(f"        {text}," for text in resources)]
    return "\n".join([*lines, "    shell:", f"        r'''{_shell(job, embedding)}'''", ""])


def _shell(job: Job, embedding: Embedding) -> str:
    """The command, in which Snakemake replaces nothing but the wildcards, each by one word of the shell."""
    command = embedding.command(job).replace("{", "{{").replace("}", "}}")
    words = " ".join(f"{name}={{wildcards.{name}:q}}" for name in job.wildcards)
    return f"set -- {words} && {command}" if words else command


def _image(environment: str) -> str:
    return environment if "://" in environment or environment.startswith("/") else f"docker://{environment}"


def _order(names: Sequence[str], own: str) -> str:
    words = ", ".join(f'"{name}"' for name in names)
    return f"""
# What is staged by wildcards comes before what another rule with wildcards could make.
for {own}_rule in list(workflow.rules):
    if {own}_rule.has_wildcards() and {own}_rule.name not in ({words},):
        workflow.ruleorder({words}, {own}_rule.name)
"""


def _outputs(job: Job, own: str) -> str:
    paths = "".join(f"    {literal(path.rstrip('/'))},\n" for path in job.requires)
    return f"""
# Outputs that no rule says it makes (by-products, or files of a directory) are there when the default target is made.
{own}_target = workflow.get_rule(workflow.default_target)
{own}_outputs = [
{paths}]
{own}_made = [path for path in {own}_outputs if any(rule.is_producer(path) for rule in workflow.rules)]
if len({own}_made) < len({own}_outputs):
    {own}_outputs = {own}_made + list({own}_target.output or {own}_target.input)
"""


def _target(target: str, names: Sequence[str], own: str) -> str:
    receipts = ", ".join(f"rules.{name}.output" for name in names)
    return f"""
# The default target of a run is what the user's is, and the receipts.
if {own}_target.output:
    rule {target}:
        default_target: True
        input: {own}_target.output, {receipts}
else:
    {own}_target.set_input(rucio_stage_out=[{receipts}])
"""


def output(transfer: Transfer) -> str:
    """How a rule declares what it stages."""
    text = literal(transfer.path)
    return f"directory({text})" if transfer.type == "directory" else text


def literal(text: str) -> str:
    """A string as Python reads it, in ASCII: Snakemake may read its files in any encoding."""
    if text.isascii() and text.isprintable() and not set(text) & set('"\\'):
        return f'"{text}"'
    return ascii(text)


def identifier(text: str) -> str:
    """A word for the name of a rule that tells which instance or path it is for."""
    return re.sub(r"[^A-Za-z0-9]+", "_", without_constraints(text)).strip("_")[:60]
