"""From bound inputs to staging steps: one for each instance and set of steps that wait for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from ...model import Plan, Transfer
from ...staging import Job, stage_out_jobs, unique
from .binding import Bindings, Bound
from .outputs import Upload
from .reading import Entry, Process
from .value import HANDED, STAGED

RECEIPT = "receipt"  # the output of a staging tool that proves its success
PROGRAM_INPUT, MANIFEST_INPUT = "rucio_stage_program", "rucio_stage_manifest"
RESERVED = frozenset((RECEIPT, PROGRAM_INPUT, MANIFEST_INPUT))


@dataclass(frozen=True)
class Feed:
    """An input of a staging tool, and what its step says of it: ``source``, perhaps ``linkMerge``."""

    id: str
    type: Any
    link: Mapping[str, Any]


@dataclass(frozen=True)
class StagingStep:
    """A step that is added, and the job it runs.

    ``bound`` are what a stage-in hands on; ``uploads`` says for each path of a stage-out which feed it is, and whether
    that is an array of files. ``waiting`` are the steps that it must precede without feeding them, ``after`` the
    sources that it must follow without taking them.
    """

    id: str
    job: Job
    bound: tuple[Bound, ...] = ()
    feeds: tuple[Feed, ...] = ()
    uploads: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    after: tuple[Mapping[str, Any], ...] = ()


def stage_in_steps(plan: Plan, bindings: Bindings, workflow: Process, taken: Iterable[str]) -> tuple[StagingStep, ...]:
    """The steps that stage in, and check the outputs to come, before all others."""
    groups = _group(bindings)
    steps = []
    for instance in plan.instances:
        uploads = tuple(each for each in plan.outputs if each.instance == instance.name)
        own = sorted((each for name, each in groups if name == instance.name), key=lambda group: group[0].path)
        alone = len(own) == 1
        if uploads and not alone:
            steps.append(StagingStep("", Job("stage-check", instance, (), uploads)))
        for number, transfers in enumerate(own, 1):
            job = Job("stage-in", instance, transfers, uploads if alone else ())
            steps.append(StagingStep("", job if alone else job._replace(label=str(number))))
    steps = _named(sorted(steps, key=lambda step: bool(step.job.downloads)), taken)
    steps = _with_bound(steps, bindings)
    sources = {each.id: _sources(workflow, each) for each in workflow.steps}
    return tuple(replace(step, waiting=_waiting(step, bindings, sources)) for step in steps)


def stage_out_steps(plan: Plan, uploads: Mapping[Transfer, Upload], taken: Iterable[str]) -> tuple[StagingStep, ...]:
    """The steps that stage out; each follows the outputs of all instances."""
    steps = []
    for job in stage_out_jobs(plan):
        own = {uploads[each].id: uploads[each] for each in job.uploads}
        ids = {key: unique(key, RESERVED) for key in own}
        feeds = tuple(Feed(ids[key], upload.type, upload.link) for key, upload in own.items())
        found = [uploads[each] for each in job.uploads]
        paths = {each.transfer.path: (ids[each.id], each.type == "File[]") for each in found}
        others = {upload.id: upload.link for upload in uploads.values() if upload.id not in own}
        # The engine has seen to it that the outputs exist, or this step would not run.
        alone = job._replace(requires=())
        steps.append(StagingStep("", alone, (), feeds, paths, after=tuple(others.values())))
    return tuple(_named(steps, taken))


def _group(bindings: Bindings) -> list[tuple[str, tuple[Transfer, ...]]]:
    """The transfers that belong in one job, with the instance: those of one value, then those of the same steps."""
    parts: dict[int, tuple[set[Transfer], frozenset[str]]] = {}
    part_of: dict[Transfer, int] = {}
    wanted = [(set(bound.transfers), bound.steps) for bound in bindings.bound]
    wanted += [({transfer}, steps) for transfer, steps in bindings.waiting]
    numbers = count()
    for transfers, steps in wanted:
        for name in {each.instance for each in transfers}:
            together, users = {each for each in transfers if each.instance == name}, steps
            for part in sorted({part_of[each] for each in together if each in part_of}):
                more, theirs = parts.pop(part)
                together, users = together | more, users | theirs
            number = next(numbers)
            parts[number] = (together, users)
            part_of.update(dict.fromkeys(together, number))
    groups: dict[tuple[str, frozenset[str]], set[Transfer]] = {}
    for transfers, steps in parts.values():
        groups.setdefault((next(iter(transfers)).instance, steps), set()).update(transfers)
    return [(name, tuple(sorted(group, key=lambda each: each.path))) for (name, _), group in groups.items()]


def _named(steps: Iterable[StagingStep], taken: Iterable[str]) -> list[StagingStep]:
    """The steps with ids: the plain ``rucio-stage-in`` where there is one, else with the instance and a number."""
    steps, names, named = list(steps), set(taken), []
    for step in steps:
        job = step.job
        base = f"rucio-{job.action}"
        if sum(each.job.action == job.action for each in steps) > 1:
            base += f"-{job.instance.name}" + (f"-{job.label}" if job.label else "")
        name = unique(base, names)
        names.add(name)
        named.append(replace(step, id=name))
    return named


def _with_bound(steps: list[StagingStep], bindings: Bindings) -> list[StagingStep]:
    """Give each bound value to the step that makes it: of the last of its instances; the others hand it their files."""
    bound: dict[str, list[Bound]] = {step.id: [] for step in steps}
    feeds: dict[str, list[Feed]] = {step.id: [] for step in steps}
    taken: dict[str, set[str]] = {step.id: set(RESERVED) for step in steps}

    def bind(step: str, each: Bound) -> Bound:
        named = replace(each, id=unique(each.id, taken[step]))
        taken[step].add(named.id)
        bound[step].append(named)
        return named

    home = {transfer: step.id for step in steps for transfer in step.job.downloads}
    for each in bindings.bound:
        makers = sorted({(transfer.instance, home[transfer]) for transfer in each.transfers})
        maker = makers[-1][1]
        value = each.value
        for transfer in each.transfers:
            other = home[transfer]
            if other != maker:
                name = f"{each.id}_{each.transfers.index(transfer) + 1}"
                kind = "File" if transfer.type == "file" else "Directory"
                leaf_value = {"class": kind, STAGED: transfer.path}
                leaf = bind(other, Bound(name, kind, None, leaf_value, (transfer,), (), frozenset()))
                feed = Feed(re.sub(r"\W", "_", f"{other}_{leaf.id}"), kind, {"source": f"{other}/{leaf.id}"})
                feeds[maker].append(feed)
                value = _handed_over(value, transfer.path, feed.id)
        feeds[maker] += [Feed(handed.id, handed.type, {"source": handed.id}) for handed in each.handed]
        bind(maker, replace(each, value=value))
    return [replace(step, bound=tuple(bound[step.id]), feeds=tuple(feeds[step.id])) for step in steps]


def _handed_over(value: Any, path: str, name: str) -> Any:
    """The value with a file that another job stages in place of one that its own does."""
    if isinstance(value, list):
        return [_handed_over(each, path, name) for each in value]
    if not isinstance(value, dict):
        return value
    changed = {key: _handed_over(each, path, name) for key, each in value.items()}
    if changed.get(STAGED) == path:
        del changed[STAGED]
        changed[HANDED] = name
    return changed


def _waiting(step: StagingStep, bindings: Bindings, sources: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The steps that must be told to wait: not those that are fed, or follow one that is, or that waits."""
    fed = frozenset[str]().union(*(each.steps for each in step.bound))
    after = frozenset[str]().union(*(steps for each, steps in bindings.waiting if each in step.job.downloads))
    if step.job.uploads:
        after |= frozenset(sources)
    return frozenset(each for each in after - fed if not _ancestors(each, sources) & (after | fed))


def _sources(workflow: Process, step: Entry) -> frozenset[str]:
    entries = workflow.step_inputs(step)
    return frozenset(step for entry in entries for _, step, _ in workflow.refers(entry.field("source")) if step)


def _ancestors(name: str, before: Mapping[str, frozenset[str]]) -> frozenset[str]:
    found: set[str] = set()
    new = set(before.get(name, ()))
    while new:
        found |= new
        new = {each for one in new for each in before.get(one, ())} - found
    return frozenset(found - {name})
