"""The rules of the compiled workflow, for those who want to see it."""

from __future__ import annotations

from collections.abc import Sequence

from ...checks import normalised
from ...model import Transfer
from ...task import Step, in_order
from .generate import StagingRule
from .snakefile import Rule
from .wildcards import may_overlap, wildcards
from .workflow import Workflow


def outline(workflow: Workflow, staging: Sequence[StagingRule]) -> tuple[Step, ...]:
    """Ours that stage in, then the user's, then ours that stage out; who waits for whom is read from the paths."""
    names = [rule.name or f"rule {number}" for number, rule in enumerate(workflow.rules, 1)]
    checks = [rule.name for rule in staging if rule.job.action == "stage-check"]
    ours = [rule for rule in staging if rule.job.action == "stage-in"]
    found = [Step(name, jobs=(rule.job,)) for rule in staging for name in [rule.name] if name in checks]
    found += [Step(rule.name, tuple(checks), (rule.job,), pods=None if rule.job.wildcards else 1) for rule in ours]
    for number, rule in enumerate(workflow.rules):
        taken = {each.path: one.name for one in ours for each in one.job.downloads if _takes(rule, each)}
        before = [names[at] for at, behind in enumerate(workflow.behind) if number in behind and at != number]
        after = (*dict.fromkeys(taken.values()), *before)
        found.append(Step(names[number], after, (), tuple(sorted(taken)), _pods(rule)))
    for out in (rule for rule in staging if rule.job.action == "stage-out"):
        paths = [path.rstrip("/") for path in out.job.requires]
        makers = [name for name, rule in zip(names, workflow.rules) if any(_makes(rule, path) for path in paths)]
        found.append(Step(out.name, (*checks, *(makers or names[:1])), (out.job,)))
    return in_order(found)


def _takes(rule: Rule, transfer: Transfer) -> bool:
    return any(may_overlap(normalised(item.text), transfer.path) for item in rule.items("input"))


def _makes(rule: Rule, path: str) -> bool:
    return any(may_overlap(normalised(item.text), path) for item in rule.items("output"))


def _pods(rule: Rule) -> int | None:
    """One for each time that a rule runs: None where wildcards say how often, none where it runs nothing."""
    if not rule.whole or any(wildcards(item.text) for item in rule.items("output")):
        return None
    return int(bool({"shell", "script", "run", "wrapper", "notebook"} & set(rule.directives)))
