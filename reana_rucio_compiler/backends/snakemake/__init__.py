"""Snakemake: what is staged in is made by rules of ours, and what is staged out is asked for by the default target.

    # Snakefile, as it was                # Snakefile.rucio, which reana.yaml names instead
    rule all:                             workflow.include("Snakefile", overwrite_default_target=True)
        input: "plot.png"
                                          rule rucio_stage_in_escape:
    rule fit:                                 output: "events.root"
        input: "events.root"        ->        resources: voms_proxy=True, rucio=True
        output: "plot.png"                    shell: the stager
        shell: "root -b fit.C"
                                          … and rules that stage out, on which the default target then depends

Rules that only name in their command what is staged wait for it too (needed.py).
A plain ``include:`` would lose the default target, and the workflow would succeed after staging (facts A.8). REANA's
engine reads the Snakefile from the workspace; the program of the stager is a file beside it, so that it stays readable.
"""

from __future__ import annotations

import re
from posixpath import basename, dirname

from ... import rules
from ...checks import bad_path, normalised
from ...diagnostics import Report
from ...model import Transfer
from ...specification import compiled_name, rename, rename_parameter_file, side_header
from ...staging import Job, embed, stage_out_jobs, unique
from ...task import Graft, Task
from .form import check_form
from .generate import StagingRule, generate, identifier, output
from .listed import listed
from .look import look
from .needed import Needs, Waits, apart
from .outline import outline
from .wildcards import wildcards, without_constraints
from .workflow import Workflow, find_workflow

FILE = ("workflow", "file")


def graft(task: Task, report: Report) -> Graft:
    """The Snakefile that loads the user's and adds the staging rules, and the parameter file where it names DIDs."""
    document = task.document
    node = document.at(FILE)
    if node is None or node.kind != "scalar":
        span = document.span(FILE)
        report.add(
            rules.NO_SNAKEFILE, span, "a Snakemake workflow needs its Snakefile", "write workflow: file: Snakefile"
        )
        return Graft()
    source, problem = normalised(node.value), bad_path(node.value)
    if problem:
        report.add(rules.BAD_PATH, document.span_of(node), f'"{node.value}" {problem}', "keep it in the workspace")
        return Graft()
    workflow = find_workflow(task, source, report)
    if workflow is None:
        return Graft()
    check_form(workflow.files, report)
    if report.failed:
        return Graft()
    needs = Needs(task, workflow)
    look(task, workflow, needs, report)
    if report.failed:
        return Graft()
    taken = {word for file in workflow.files for word in re.findall(r"\brucio_stage\w*", file.source.text)}
    own = unique("rucio_stage", {word.rpartition("_")[0] for word in taken}, "_")
    staging = _rules(task, needs, taken)
    prefix = dirname(source) + "/" if dirname(source) else ""
    embedding = embed([rule.job for rule in staging], prefix, program_apart=True)
    everything = unique("rucio_stage_all", taken, "_")
    text = generate(source, side_header(task, source), staging, everything, own, embedding)
    files, edits = rename_parameter_file(task)
    target = compiled_name(source)
    edits += [rename(document, FILE, compiled_name(node.value))]
    files = {**files, **embedding.files, target: text}
    return Graft(tuple(edits), files, (source,), outline=lambda: outline(needs, staging))


def _rules(task: Task, needs: Needs, taken: set[str]) -> tuple[StagingRule, ...]:
    """Checks first, then what is staged in, then what is staged out; with names that are not taken, and then are."""
    plan, workflow = task.plan, needs.workflow
    uploads = stage_out_jobs(plan)
    checks = [Job("stage-check", job.instance, (), job.uploads) for job in uploads]
    receipts = tuple(job.receipt for job in checks)
    found: list[StagingRule] = []

    def add(job: Job, outputs: tuple[str, ...], waits_for: tuple[str, ...]) -> None:
        words = [job.action.replace("-", "_"), identifier(job.instance.name), identifier(job.label)]
        name = unique("rucio_" + "_".join(filter(None, words)), taken, "_")
        taken.add(name)
        waits = needs.waits(job.downloads) if job.downloads and not job.wildcards else Waits()
        found.append(StagingRule(name, job, outputs, waits_for, waits, workflow.elsewhere))

    for job in checks:
        add(job, (f'"{job.receipt}"',), ())
    for job in _stage_in_jobs(task):
        outputs = tuple(text for each in job.downloads for text in _declared(each, workflow))
        add(_without_constraints(job), outputs, receipts)
    for job in uploads:
        add(job, (f'"{job.receipt}"',), receipts)
    return tuple(found)


def _declared(transfer: Transfer, workflow: Workflow) -> list[str]:
    """The outputs of a transfer: its path, or those of its files where the lock lists them and they are taken.

    Each stands there also as the user's rules spell it otherwise, which Snakemake tells apart.
    """
    files = listed(transfer, workflow)
    kind = "file" if files else transfer.type
    paths = [text for path in files or (transfer.path,) for text in (path, *sorted(workflow.spellings(path)))]
    return [output(transfer._replace(type=kind, path=path)) for path in paths]


def _stage_in_jobs(task: Task) -> list[Job]:
    """For each instance one job, and one for each entry that is lazy or has wildcards."""
    jobs = []
    for instance in task.plan.instances:
        mine = [_as_member(each) for each in task.plan.inputs if each.instance == instance.name]
        together = tuple(each for each in mine if not apart(each))
        if together:
            jobs.append(Job("stage-in", instance, together))
        labels: list[str] = []
        for each in filter(apart, mine):
            labels.append(unique(identifier(each.path) or "file", labels, "_"))
            job = Job("stage-in", instance, (each,), label=labels[-1])
            jobs.append(job._replace(wildcards=wildcards(each.path)))
    return jobs


def _as_member(transfer: Transfer) -> Transfer:
    """``-> d/{name}`` of a dataset stages one file of it, which the last part of the path names."""
    own = set(wildcards(transfer.path)) - set(wildcards(transfer.name))
    if transfer.type != "directory" or not own:
        return transfer
    end = basename(transfer.path)
    if end == f"{{{wildcards(end)[0]}}}":  # a wildcard may hold a slash otherwise
        end = f"{{{wildcards(end)[0]},[^/]+}}"
    return transfer._replace(type="member", path=f"{dirname(transfer.path)}/{end}".lstrip("/"))


def _without_constraints(job: Job) -> Job:
    """The job as its manifest says it, where a wildcard is its name."""
    plain = [
        each._replace(path=without_constraints(each.path), name=without_constraints(each.name))
        for each in job.downloads
    ]
    return job._replace(downloads=tuple(plain))
