"""The rules of the compiled workflow, for those who want to see it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ...checks import normalised
from ...task import Step, in_order
from .generate import StagingRule
from .needed import Needs
from .snakefile import Rule
from .values import Item
from .wildcards import may_overlap, wildcards
from .workflow import Workflow


def outline(needs: Needs, staging: Sequence[StagingRule]) -> tuple[Step, ...]:
    """Ours that stage in, then the user's, then ours that stage out; who waits for whom is read from the paths."""
    workflow = needs.workflow
    names = [rule.name or f"rule {number}" for number, rule in enumerate(workflow.rules, 1)]
    checks = [rule.name for rule in staging if rule.job.action == "stage-check"]
    ours = [rule for rule in staging if rule.job.action == "stage-in"]
    found = [Step(name, jobs=(rule.job,)) for rule in staging for name in [rule.name] if name in checks]
    found += [Step(rule.name, tuple(checks), (rule.job,), pods=None if rule.job.wildcards else 1) for rule in ours]
    staged, before = _staged(needs, ours), _before(workflow)
    first = [rule.name for rule in ours if rule.waits.every]
    for number, rule in enumerate(workflow.rules):
        own = [*staged[number].values(), *(first if _pods(rule) != 0 else ())]
        after = (*dict.fromkeys(own), *(names[at] for at in before[number]))
        found.append(Step(names[number], after or tuple(checks), (), tuple(sorted(staged[number])), _pods(rule)))
    for out in (rule for rule in staging if rule.job.action == "stage-out"):
        paths = [path.rstrip("/") for path in out.job.requires]
        makers = {number for path in paths for number, item in workflow.outputs.to(path) if _same(item, path)}
        waits = [names[number] for number in sorted(makers)] or names[:1]
        found.append(Step(out.name, (*checks, *waits), (out.job,)))
    return in_order(found)


def _staged(needs: Needs, staging: Iterable[StagingRule]) -> Mapping[int, dict[str, str]]:
    """For each rule of the user's, by its number, the staged paths that it needs, with the rule that stages each."""
    found: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for rule in staging:
        for transfer in rule.job.downloads:
            named = needs.namers(transfer) if transfer.path in rule.waits.paths else ()
            for number in needs.takers(transfer).union(named):
                found[number][transfer.path] = rule.name
    return found


def _before(workflow: Workflow) -> Mapping[int, list[int]]:
    """For each rule of the user's, by its number, the others that make what it takes."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for maker, takers in enumerate(workflow.behind):
        for taker in takers - {maker}:
            found[taker].append(maker)
    return found


def _same(item: Item, path: str) -> bool:
    return may_overlap(normalised(item.text), path)


def _pods(rule: Rule) -> int | None:
    """One for each time that a rule runs: None where wildcards say how often, none where it runs nothing."""
    if not rule.whole or any(wildcards(item.text) for item in rule.items("output")):
        return None
    return int(bool({"shell", "script", "run", "wrapper", "notebook"} & set(rule.directives)))
