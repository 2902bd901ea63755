"""CWL: staging is a step whose outputs replace inputs of the Workflow, and a step fed by its outputs.

    inputs:                                 inputs:
      data: File                      ->      events: int
      events: int                           steps:
    steps:                                    rucio-stage-in:
      fit:                                      run: workflow.rucio-stage-in.escape.cwl
        run: fit.cwl                            in: {}
        in: {data: data, n: events}             out: [data, receipt]
        out: [plot]                           fit:
                                                run: fit.cwl
                                                in: {data: rucio-stage-in/data, n: events}
                                                out: [plot]

The Workflow, the job order and the staging tools are written beside the originals. REANA's engine does not see the
exit status of a job (facts A.4), so that each staging tool has a receipt among its outputs, without which it failed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

from ... import rules
from ...checks import normalised
from ...diagnostics import Report
from ...documents import Where
from ...edits import Edit, edit_mapping
from ...limits import MAX_JSON
from ...specification import compiled_name, edit_parameters, rename, side_header
from ...staging import BUDGET, embed, unique
from ...task import Graft, Task
from ...workspace import parameter_file_at
from .binding import Bindings, bind
from .form import has_form
from .jobs import MANIFEST_INPUT, PROGRAM_INPUT, RECEIPT, StagingStep, stage_in_steps, stage_out_steps
from .names import check_names
from .outline import outline
from .outputs import select
from .reading import PROCESSES, Files, Place, Process, class_of
from .rewiring import Rewriting, push_down, replace_inputs, rewire, with_header
from .tools import overhead, side_feeds, tool
from .wrapping import wrap

VERSIONS = ("v1.0", "v1.1", "v1.2")
PARAMETERS = ("inputs", "parameters")
FILE = ("workflow", "file")


def graft(task: Task, report: Report) -> Graft:
    """The edits of reana.yaml, and the rewritten Workflow, job order and staging tools.

    Raises ``Uneditable`` where an alias stands in the way.
    """
    files = Files(task.workspace, report, {each.path for each in task.plan.inputs})
    job_order = _job_order(task)
    workflow = _workflow(task, files, job_order, report)
    if workflow is None or report.failed:
        return Graft()
    bindings = bind(task, files, workflow, job_order, report)
    uploads = select(task, workflow, job_order, report)
    _warn_other_backend(workflow, bindings, report)
    if report.failed:
        return Graft()
    taken = [entry.id for entry in (*workflow.inputs, *workflow.outputs, *workflow.steps)]
    before = stage_in_steps(task.plan, bindings, workflow, taken)
    after = stage_out_steps(task.plan, uploads, [*taken, *(step.id for step in before)])
    backends = _backends(workflow)
    writer = _Writer(task, files, workflow, job_order, before, after, bool(set(backends.values()) - {"kubernetes"}))
    return writer.graft()._replace(outline=lambda: outline(workflow, bindings, before, after))


def _workflow(task: Task, files: Files, job_order: Place | None, report: Report) -> Process | None:
    """The Workflow that ``workflow.file`` names; a tool there is wrapped in one."""
    node = task.document.at(FILE)
    if node is None or not node.value:
        hint = "REANA loads a CWL workflow from a file; name it there"
        report.add(rules.CWL_REFERENCE, task.document.span(("workflow",)), "there is no workflow.file", hint)
        return None
    span = task.document.span(FILE)
    name, _, fragment = node.value.partition("#")
    name = normalised(name)
    document = files.load(name, span)
    process = files.select(document, fragment, span) if document else None
    if document is None or process is None:
        if document is not None and not report.failed:
            report.add(rules.CWL_REFERENCE, span, f'"{name}" holds no CWL process', "it has neither class: nor $graph:")
        return None
    if process.kind not in PROCESSES:
        message = f'"{process.kind}" is not a class of CWL process'
        span = (process.place.get("class") or process.place).span
        report.add(rules.CWL_REFERENCE, span, message, "write class: Workflow or class: CommandLineTool")
        return None
    if process.version not in VERSIONS:
        root = Place(document, ())
        span = (root.get("cwlVersion") or root).span
        message = f'cwlVersion "{process.version}" cannot be compiled'
        report.add(
            rules.CWL_VERSION, span, message, f"possible are {', '.join(VERSIONS)}; cwl-upgrader converts older ones"
        )
        return None
    if not has_form(process, report):
        return None
    check_names(process, job_order, report)
    if process.kind == "Workflow":
        return process
    return wrap(files, process, compiled_name(name), fragment, report)


def _job_order(task: Task) -> Place | None:
    """Where the inputs of the Workflow get their values: the parameter file, or the parameters of reana.yaml."""
    if task.parameters is not None:
        return Place(task.parameters, ()) if task.parameters.root.kind == "mapping" else None
    node = task.document.at(PARAMETERS)
    return Place(task.document, PARAMETERS) if node is not None and node.kind == "mapping" else None


def _backends(workflow: Process) -> dict[str, str]:
    """The compute backend of each step that says one: in REANA the outermost hint wins (facts A.1)."""
    found = {}
    for step in workflow.steps:
        run = workflow.run(step)
        own = next((each for each in workflow.files.entries(step.field("hints")) if class_of(each) == "reana"), None)
        for hint in (workflow.requirement("reana", "hints"), own, run.requirement("reana", "hints") if run else None):
            place = hint.field("compute_backend") if hint else None
            if place is not None:
                found[step.id] = place.text
                break
    return found


def _warn_other_backend(workflow: Process, bindings: Bindings, report: Report) -> None:
    for name, backend in _backends(workflow).items():
        used = [transfer for bound in bindings.bound if name in bound.steps for transfer in bound.transfers]
        step = workflow.step(name)
        if backend != "kubernetes" and used and step:
            message = f'"{used[0].path}" is staged into the workspace, which {backend} copies to the job'
            hint = "the copy costs time and space there; read it on kubernetes if it is large"
            report.add(rules.OTHER_BACKEND, step.span, message, hint)


class _Writer:
    """Puts the pieces together: tools, Workflow, job order, and what reana.yaml says of them."""

    def __init__(
        self,
        task: Task,
        files: Files,
        workflow: Process,
        job_order: Place | None,
        before: tuple[StagingStep, ...],
        after: tuple[StagingStep, ...],
        elsewhere: bool,
    ) -> None:
        self.task, self.files, self.workflow, self.job_order = task, files, workflow, job_order
        self.before, self.after, self.elsewhere = before, after, elsewhere
        self.rewriting = Rewriting(files, workflow)
        main, mark, fragment = task.document.at(FILE).value.partition("#")  # type: ignore[union-attr]
        self.main, self.fragment = normalised(main), mark + fragment
        jobs = [step.job for step in (*before, *after)]
        self.embedding = embed(jobs, overhead=overhead((*before, *after)), program_apart=self._is_large())
        self.side_inputs = self._side_inputs()

    def graft(self) -> Graft:
        tools = {self._tool_name(step): self._tool(step) for step in (*self.before, *self.after)}
        bound = [each for step in self.before for each in step.bound]
        handed = {each.id: each for one in bound for each in one.handed}
        new = {**{each.id: each.type for each in handed.values()}, **dict.fromkeys(self.side_inputs.values(), "File")}
        gone = [each.replaces for each in bound if each.replaces]
        replace_inputs(self.rewriting, gone, new)
        rewire(self.rewriting, self.before, {step.id: self._step(step) for step in (*self.before, *self.after)})
        push_down(self.rewriting)
        name = compiled_name(self.main)
        own = self.workflow.place.document
        wrapped = own.source.name == name
        texts = self.rewriting.texts(self._header(self.main), {own: name} if wrapped else {})
        values = {each.id: each.value for each in handed.values()}
        values.update({key: {"class": "File", "path": file} for file, key in self.side_inputs.items()})
        order, edits, removed, parameters = self._write_job_order(gone, values)
        files = {**texts, **tools, **order, **self.embedding.files}
        edits.append(rename(self.task.document, FILE, name + ("" if wrapped else self.fragment)))
        return Graft(tuple(edits), files, self._loads(files), removed, parameters)

    def _is_large(self) -> bool:
        """Whether the user's workflow leaves no room for the stager in what REANA can start.

        Packed workflows were measured to have 0.8 to 1.3 times the characters of their files.
        """
        own = sum(len(document.source.text) for document in self.files.names)
        return 1.3 * own + BUDGET > MAX_JSON

    def _header(self, name: str) -> str:
        return side_header(self.task, name)

    def _side_inputs(self) -> dict[str, str]:
        """An input of the Workflow for each file that carries what is too long for a command, by file."""
        taken = {entry.id for entry in (*self.workflow.inputs, *self.workflow.outputs, *self.workflow.steps)}
        found: dict[str, str] = {}
        for file in self.embedding.files:
            base = PROGRAM_INPUT if file == self.embedding.program_file() else MANIFEST_INPUT
            found[file] = unique(base, {*taken, *found.values()})
        return found

    def _tool_name(self, step: StagingStep) -> str:
        return f"{posixpath.splitext(self.main)[0]}.{step.job.name}.cwl"

    def _tool(self, step: StagingStep) -> str:
        sides = side_feeds(step.job, self.embedding, self.side_inputs)
        return self._header(self.main) + tool(step, self.embedding, sides, self.workflow, self.elsewhere)

    def _step(self, step: StagingStep) -> dict[str, Any]:
        """What the Workflow says of a staging step."""
        fed = {each.replaces: f"{one.id}/{each.id}" for one in self.before for each in one.bound if each.replaces}
        feeds = (*side_feeds(step.job, self.embedding, self.side_inputs).values(), *step.feeds)
        links = {each.id: self._link(each.link, fed) for each in feeds}
        links.update({f"rucio_after_{number}": self._link(each, fed) for number, each in enumerate(step.after, 1)})
        run = posixpath.basename(self._tool_name(step))
        return {"run": run, "in": links, "out": [*(each.id for each in step.bound), RECEIPT]}

    def _link(self, link: Mapping[str, Any], fed: Mapping[str, str]) -> Any:
        """A link with staging steps for the sources that were inputs; as a string where that is all of it."""
        source = link["source"]
        names = [self._source(each, fed) for each in (source if isinstance(source, list) else [source])]
        changed = names if isinstance(source, list) else names[0]
        return changed if len(link) == 1 and isinstance(changed, str) else {**link, "source": changed}

    def _source(self, text: str, fed: Mapping[str, str]) -> str:
        step, name = self.workflow.reference(text)
        return fed[name] if not step and name in fed else text

    def _write_job_order(
        self, gone: Iterable[str], new: Mapping[str, Any]
    ) -> tuple[dict[str, str], list[Edit], tuple[Where, ...], Mapping[str, Any]]:
        """The job order without what is staged: its file, or the edits of reana.yaml, the places where those are,
        and what is to be added to reana.yaml where it has no parameters."""
        task, place = self.task, self.job_order
        if place is None:
            return {}, [], (), new
        gone = [key for key in gone if place.get(key)]
        self.rewriting.current = place.document
        edits = edit_mapping(place.document, place.where, gone, {}, new)
        removed = tuple((*place.where, key) for key in gone)
        if task.parameters is None:
            return {}, edits, removed, {}
        edits += edit_parameters(task.parameters, task.plan, removed)
        where = parameter_file_at(task.document)
        if not edits or where is None:
            return {}, [], (), {}
        old = normalised(task.document.at(where).value)  # type: ignore[union-attr]
        self.rewriting.current = task.document
        text = with_header(task.parameters, edits, self._header(old))
        return {compiled_name(old): text}, [rename(task.document, where, compiled_name(old))], (), {}

    def _loads(self, files: Mapping[str, str]) -> tuple[str, ...]:
        """The user's CWL files that the rewritten ones name."""
        replaced = {name for name in self.files.names.values() if compiled_name(name) in files}
        return tuple(sorted(
            name for name in self.files.names.values()
            if name not in replaced and name not in files and not name.startswith(("../", "/"))
        ))  # fmt: skip
