"""Which staging stages there are: one for each instance and set of stages that need its data."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ...model import Plan, Transfer
from ...staging import Job, stage_out_jobs, unique
from .emission import Staging
from .inputs import Parameters
from .paths import GLOB, Staged, named, of_dataset
from .tree import Cursor, Tree
from .workflow import INIT, Selection, Stage, quoted

Use = Mapping[str, Transfer]  # by path, which no two inputs share


@dataclass(frozen=True)
class Layout:
    """The staging stages in front of the user's, and behind them. ``prefix`` marks staged paths in parameters.

    ``literals`` say, for a literal parameter of a stage, by which stage of ours and under which name it is published.
    """

    before: tuple[Staging, ...]
    after: tuple[Staging, ...]
    prefix: str
    literals: Mapping[tuple[int, str], tuple[str, str]]

    def awaited_by(self, index: int) -> list[str]:
        """The names of the stages of ours that a stage of the user's waits for."""
        return [each.name for each in self.before if index in each.consumers]

    def publisher(self, keys: Collection[str]) -> str:
        """The name of the stage that publishes all of these parameters again."""
        return next(each.name for each in self.before if set(keys) <= set(each.publishes))


def uses_of(tree: Tree, stages: Sequence[Stage], parameters: Parameters, plan: Plan) -> list[Use]:
    """For each stage the inputs that it uses: those of the parameters that it selects, and those that it names."""
    staged = Staged(plan.inputs)
    return [
        {each.path: each for each in (*_selected(stage, parameters), *_named(tree, stage, staged))} for stage in stages
    ]


def keys_of(stage: Stage, parameters: Parameters) -> list[str]:
    """The parameters concerning staged paths that a stage selects."""
    return list(dict.fromkeys(key for selection in stage.selections for key in selected_keys(selection, parameters)))


def selected_keys(selection: Selection, parameters: Parameters) -> list[str]:
    """The parameters concerning staged paths that a selection selects, be it with others."""
    return _among(selection, parameters, parameters.staged)


def _among(selection: Selection, parameters: Parameters, wanted: Collection[str]) -> list[str]:
    """Which of the wanted parameters a selection selects."""
    if not selection.names & {INIT, "*"}:
        return []
    key = selection.key(parameters.names)
    return list(wanted) if key is None else [key] if key in wanted else []


def selects_all(selection: Selection, parameters: Parameters) -> bool:
    """Whether a selection wants all parameters, or may."""
    return selection.key(parameters.names) is None


def _selected(stage: Stage, parameters: Parameters) -> list[Transfer]:
    concerned = [each for key in keys_of(stage, parameters) for each in parameters.transfers[key]]
    mentioned = [
        each
        for selection in stage.selections
        for key in _among(selection, parameters, parameters.mentions)
        for each in parameters.mentions[key]
    ]
    return [*concerned, *mentioned]


def _named(tree: Tree, stage: Stage, staged: Staged) -> list[Transfer]:
    return [found for text in sorted({each.text for each in literals(tree, stage)}) for found in named(text, staged)]


def literals(tree: Tree, stage: Stage) -> list[Cursor]:
    """What stands literally in a stage and in its sub-workflows: values of parameters, commands, publishers."""
    selections = {id(selection.place.node) for selection in stage.selections}
    found: list[Cursor] = []
    for _, value in stage.parameters:
        if id(value.node) not in selections:
            found += tree.scalars(value)
    for step in stage.steps:
        found += tree.scalars(step)
    for workflow in stage.workflows:
        for inner in workflow:
            found += literals(tree, inner)
    return found


def roots_of(stages: Sequence[Stage]) -> frozenset[int]:
    """The stages that wait for no other stage: whatever is to be before everything is to be before these."""
    names = {stage.name for stage in stages}
    return frozenset(index for index, stage in enumerate(stages) if not stage.waits_for & names)


def lay_out(
    stages: Sequence[Stage],
    plan: Plan,
    uses: Sequence[Use],
    parameters: Parameters,
    follows: Sequence[tuple[str, str | None]],
    producers: Sequence[str],
    literal_paths: Mapping[tuple[int, str], str],
) -> Layout:
    """The staging stages of a plan.

    An input that nothing is seen to use is staged before everything. Outputs are checked before everything: by a
    stage-in that everything waits for, else by a stage of its own. Uploads come after all ``producers``, and
    follow the results that are listed. ``literal_paths`` are the literal parameters, by stage and name, that are to
    be published too.
    """
    roots = roots_of(stages)
    jobs = [*_stage_in(plan, uses, roots)]
    jobs = [*_checks(plan, jobs, roots), *jobs]
    taken = [INIT, *(stage.name for stage in stages)]
    names = _names([job for job, _ in jobs], taken)
    before = [Staging(name, job, consumers) for name, (job, consumers) in zip(names, jobs)]
    before = _publish(stages, before, parameters)
    before, literals = _publish_literals(stages, before, parameters, literal_paths)
    uploads = stage_out_jobs(plan)
    waits = tuple(quoted(name) for name in producers)
    after = [
        Staging(name, job, dependencies=waits, follows=tuple(follows))
        for name, job in zip(_names(uploads, [*taken, *names]), uploads)
    ]
    first = next((each.name for each in before if each.transfers), "")
    return Layout(tuple(before), tuple(after), f"{first}/", literals)


def _stage_in(plan: Plan, uses: Sequence[Use], roots: frozenset[int]) -> list[tuple[Job, frozenset[int]]]:
    groups: dict[tuple[str, tuple[int, ...]], list[Transfer]] = {}
    for transfer in plan.inputs:
        consumers = tuple(index for index, use in enumerate(uses) if transfer.path in use)
        groups.setdefault((transfer.instance, consumers or tuple(sorted(roots))), []).append(transfer)
    jobs: list[tuple[Job, frozenset[int]]] = []
    for (instance, consumers), transfers in sorted(groups.items(), key=lambda group: group[0]):
        number = 1 + sum(job.instance.name == instance for job, _ in jobs)
        job = Job("stage-in", plan.instance(instance), tuple(transfers))
        jobs.append((job._replace(label=str(number)) if number > 1 else job, frozenset(consumers)))
    return jobs


def _checks(
    plan: Plan, jobs: list[tuple[Job, frozenset[int]]], roots: frozenset[int]
) -> list[tuple[Job, frozenset[int]]]:
    """The stages that only check outputs; ``jobs`` is changed where one of them can do it."""
    checks = []
    for instance in plan.instances:
        uploads = tuple(each for each in plan.outputs if each.instance == instance.name)
        if not uploads:
            continue
        able = [at for at, (job, consumers) in enumerate(jobs) if job.instance == instance and consumers >= roots]
        if able:
            job, consumers = jobs[able[0]]
            jobs[able[0]] = (Job(job.action, instance, job.downloads, uploads, label=job.label), consumers)
        else:
            checks.append((Job("stage-check", instance, (), uploads), roots))
    return checks


def _names(jobs: Sequence[Job], taken: Sequence[str]) -> list[str]:
    """``rucio_stage_in`` if there is one, ``rucio_stage_in_escape``, ``rucio_stage_in_escape_2`` if there are more."""
    names: list[str] = []
    for job in jobs:
        name = "rucio_" + job.action.replace("-", "_")
        if sum(each.action == job.action for each in jobs) > 1:
            name = "_".join([name, re.sub(r"\W", "_", job.instance.name), *([job.label] if job.label else [])])
        names.append(unique(name, [*taken, *names], "_"))
    return names


def _publish(stages: Sequence[Stage], before: list[Staging], parameters: Parameters) -> list[Staging]:
    """Give each parameter that a stage selects to the first stage of ours that stages something of it.

    Who selects all parameters at once finds all of them at the one that publishes the first of these.
    """
    keys: dict[str, dict[str, None]] = {each.name: {} for each in before}
    for stage in stages:
        for selection in stage.selections:
            wanted = selected_keys(selection, parameters)
            for key in wanted:
                keys[_first(before, key, parameters).name][key] = None
            if wanted and selects_all(selection, parameters):
                keys[_first(before, wanted[0], parameters).name].update(dict.fromkeys(parameters.transfers))
    return [
        replace(
            each,
            publishes=tuple(keys[each.name]),
            globs=tuple(_globs(each, keys[each.name], parameters)),
            dependencies=(INIT,) if keys[each.name] else (),
        )
        for each in before
    ]


def _globs(staging: Staging, keys: Collection[str], parameters: Parameters) -> list[str]:
    """The globs of published parameters that can only match files of datasets that this stage stages."""
    ours = {each.path for each in staging.transfers}
    found = (
        leaf.text
        for leaf in parameters.leaves
        if leaf.key in keys
        and GLOB.search(leaf.text)
        and all(each.path in ours and of_dataset(leaf.text, each) for each in leaf.transfers)
    )
    return list(dict.fromkeys(found))


def _publish_literals(
    stages: Sequence[Stage],
    before: list[Staging],
    parameters: Parameters,
    literal_paths: Mapping[tuple[int, str], str],
) -> tuple[list[Staging], dict[tuple[int, str], tuple[str, str]]]:
    """Give each literal path to the stage of ours that publishes the first parameter that its stage selects."""
    constants: dict[str, list[tuple[str, str]]] = {each.name: [] for each in before}
    literals: dict[tuple[int, str], tuple[str, str]] = {}
    for (index, key), path in literal_paths.items():
        name = _first(before, keys_of(stages[index], parameters)[0], parameters).name
        constant = unique(f"rucio_literal_{len(literals) + 1}", parameters.transfers, "_")
        constants[name].append((constant, path))
        literals[index, key] = name, constant
    return [replace(each, constants=tuple(constants[each.name])) for each in before], literals


def _first(before: list[Staging], key: str, parameters: Parameters) -> Staging:
    paths = {each.path for each in parameters.transfers[key]}
    return next(each for each in before if paths & {transfer.path for transfer in each.transfers})
