"""Yadage: staging is a stage in front of those that need the data, and a stage behind those that write outputs.

    stages:                                            stages:
    - name: fit                                        - name: rucio_stage_in
      dependencies: [init]                               dependencies: [init]
      scheduler:                                         scheduler:
        scheduler_type: singlestep-stage       ->          parameters: {events: {step: init, output: events}, …}
        parameters:                                        step: the stager, which publishes `events` again
          events: {step: init, output: events}         - name: fit
          plot: '{workdir}/plot.png'                     dependencies: [init, rucio_stage_in]
        step: {$ref: steps.yaml#/fit}                    scheduler:
                                                           scheduler_type: singlestep-stage
                                                           parameters:
                                                             events: {step: rucio_stage_in, output: events}
                                                             …

Everything that is rewired is in the main workflow: a sub-workflow gets its values from there, and runs when the
stage that holds it does. So only the workflow's own file is compiled to a new one, and of those that it refers to only
those with a stage, or a piece of one, that changes. Why things are as they are: inputs.py, emission.py, outputs.py.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from ... import rules
from ...checks import bad_path
from ...diagnostics import Report
from ...specification import compiled_name, rename
from ...staging import embed
from ...task import Graft, Task
from .emission import stage_of
from .inputs import OPTIONS, Parameters, literal_path, read_parameters, withhold
from .layout import Layout, Use, lay_out, selected_keys, selects_all, uses_of
from .order import amend_order
from .outline import outline
from .outputs import follow
from .tree import Cursor, Tree
from .unknown import check_names
from .workflow import INIT, Selection, Stage, quoted, read_stages

FILE = ("workflow", "file")
ENGINE_COMMAND = 80 * 1024  # characters of a workflow, all references written out, that REANA can start (facts A.4)


def graft(task: Task, report: Report) -> Graft:
    """The compiled workflow files, and the edits that name them and keep staged paths from init.

    Raises ``Uneditable`` where an alias stands in the way.
    """
    tree = Tree(task.workspace, task.plan.inputs, report)
    workflow = _open(task, tree)
    stages = read_stages(tree, workflow) if workflow else ()
    parameters = read_parameters(task, report)
    if workflow is None or report.failed:
        return Graft()
    uses = uses_of(tree, stages, parameters, task.plan)
    layout = _plan_stages(task, tree, stages, parameters, uses)
    started = bool(parameters.transfers or task.document.at((*OPTIONS, "initfiles")))
    check_names(tree, stages, parameters.names, report)
    order = amend_order(stages, layout, started, report)
    for index, stage in enumerate(stages):
        _rewire(tree, stage, [*layout.awaited_by(index), *map(quoted, order[stage.name])], layout, parameters)
        _publish_literals(tree, index, stage, layout)
    if report.failed:
        return Graft()
    jobs = [each.job for each in (*layout.before, *layout.after)]
    embedding = embed(jobs)
    if not embedding.files and tree.size(workflow) + len(embedding.program) > ENGINE_COMMAND:
        embedding = embed(jobs, program_apart=True)
    elsewhere = _warn_other_backends(task, tree, stages, layout)
    before = [stage_of(each, embedding, layout.prefix, elsewhere) for each in layout.before]
    after = [stage_of(each, embedding, layout.prefix, elsewhere) for each in layout.after]
    listed = tree.get(workflow, "stages")
    if listed:
        tree.surround(listed, before, after)
    edits, initfiles = withhold(task, parameters, layout.prefix)
    name = compiled_name(task.document.at(FILE).value)  # type: ignore[union-attr]
    files = {**embedding.files, **tree.texts(task), **initfiles}
    loads = tuple(each for each in tree.names if compiled_name(each) not in files)
    written = tuple(leaf.where for leaf in parameters.leaves if leaf.document is task.document)
    edits.append(rename(task.document, FILE, name))
    return Graft(tuple(edits), files, loads, written, outline=lambda: outline(stages, uses, layout))


def _open(task: Task, tree: Tree) -> Cursor | None:
    toplevel, file = task.document.at((*OPTIONS, "toplevel")), task.document.at(FILE)
    if toplevel and toplevel.value.strip("./"):
        message = f'with toplevel "{toplevel.value}" the workflow is read from elsewhere, and cannot be compiled'
        hint = "copy the workflow beside reana.yaml, write its $refs relative to there, and remove toplevel"
        tree.report.add(rules.YADAGE_TOPLEVEL, task.document.span_of(toplevel), message, hint)
        return None
    if file is None or file.kind != "scalar":
        message = "a Yadage workflow stands in a file of its own"
        tree.report.add(rules.NOT_A_WORKFLOW, task.document.span(("workflow",)), message, "name it: workflow: file: …")
        return None
    problem = bad_path(file.value)
    if problem:
        message = f'the workflow file "{file.value}" {problem}'
        tree.report.add(rules.BAD_PATH, task.document.span_of(file), message, "keep it beside reana.yaml")
        return None
    opened = tree.open(posixpath.normpath(file.value), "", task.document.span_of(file))
    return Cursor(opened, opened.document.root) if opened else None


def _plan_stages(
    task: Task, tree: Tree, stages: Sequence[Stage], parameters: Parameters, uses: Sequence[Use]
) -> Layout:
    follows, names = follow(tree, stages, task.plan.outputs)
    literals = {
        (index, key): path
        for index, stage in enumerate(stages)
        for key, path in _literal_paths(task, tree, stage, parameters)
    }
    return lay_out(stages, task.plan, uses, parameters, follows, names, literals)


def _rewire(tree: Tree, stage: Stage, awaited: list[str], layout: Layout, parameters: Parameters) -> None:
    """Let a stage wait for others, and take from ours the parameters that concern staged paths."""
    if awaited:
        _add_dependencies(tree, stage, awaited)
    for selection in stage.selections:
        if selected_keys(selection, parameters):
            _reselect(tree, selection, layout, parameters)
        elif selection.takes_all:
            message = f'"{selection.query.text}" takes the results of all stages, and so of those that stage data too'
            hint = "name the stages: {stages: 'fit,plot', output: …}"
            tree.report.add(rules.BAD_SELECTION, selection.query.span, message, hint)


def _reselect(tree: Tree, selection: Selection, layout: Layout, parameters: Parameters) -> None:
    keys = selected_keys(selection, parameters)
    wanted = parameters.transfers if selects_all(selection, parameters) else keys
    query = selection.renamed(layout.publisher(wanted)) if selection.names == {INIT} else None
    place = selection.place
    if query is None:
        message = f'"{selection.query.text}" may select "{keys[0]}", which is staged, together with other results'
        hint = f"write {{step: init, output: {keys[0]}}}"
        tree.report.add(rules.BAD_SELECTION, selection.query.span, message, hint)
    elif place.node.alias and place.shared is place.node and not selection.jq:
        old = place.node.data
        tree.write(place, {name: query if value == selection.query.text else value for name, value in old.items()})
    else:
        tree.replace(selection.query, query)


def _literal_paths(task: Task, tree: Tree, stage: Stage, parameters: Parameters) -> Iterator[tuple[str, str]]:
    """The literal parameters of a sub-workflow that it would find no more, each with its workspace path.

    Yadage makes such a path absolute where everything else that the sub-workflow is given comes from init, and
    leaves it alone where something comes from another stage (measured on REANA 0.9 and 0.95).
    """
    if not stage.workflows or any(each.names != {INIT} for each in stage.selections):
        return
    if not any(selected_keys(each, parameters) for each in stage.selections):
        return
    selections = {id(each.place.node) for each in stage.selections}
    for key, value in stage.parameters:
        for place in () if id(value.node) in selections else tree.scalars(value):
            path = literal_path(task, place.text) if isinstance(place.node.data, str) else None
            if path and place.node is value.node:
                yield key, path
            elif path:
                message = f'"{place.text}" is found by the sub-workflow only where none of its parameters is staged'
                hint = f"put it under inputs: parameters:, and write {key}: {{step: init, output: …}}"
                tree.report.add(rules.LITERAL_PATH, place.span, message, hint)


def _publish_literals(tree: Tree, index: int, stage: Stage, layout: Layout) -> None:
    for key, value in stage.parameters:
        if (index, key) in layout.literals:
            name, output = layout.literals[index, key]
            selection = {"expression_type": "stage-output-selector", "step": name, "output": output}
            tree.write(value, selection)


def _add_dependencies(tree: Tree, stage: Stage, names: list[str]) -> None:
    place = tree.child(stage.cursor, "dependencies")
    listed = tree.resolved(place) if place else None
    if listed is None or listed.node.data is None:
        tree.set(stage.cursor, "dependencies", names)
        return
    if listed.node.kind == "mapping":
        kind = tree.get(listed, "dependency_type")
        expressions = tree.get(listed, "expressions")
        if kind and kind.text == "jsonpath_ready" and expressions is None:
            tree.set(listed, "expressions", names)
            return
        listed = expressions if kind and kind.text == "jsonpath_ready" else None
    if listed is None or listed.node.kind != "sequence":
        message = f'"{names[0]}" cannot be added to these dependencies'
        tree.report.add(
            rules.BAD_DEPENDENCIES,
            place.span if place else stage.cursor.span,
            message,
            "write dependencies: [init, …]",
        )
    elif listed.node.alias and listed.shared is listed.node:
        tree.write(listed, [*(each.value for each in listed.node.items), *names])
    else:
        tree.add_item(listed, names)


def _warn_other_backends(task: Task, tree: Tree, stages: Sequence[Stage], layout: Layout) -> bool:
    """Whether a step runs elsewhere than on Kubernetes; those that use staged data are warned of."""
    elsewhere = False
    for index, stage in enumerate(stages):
        used = [each for staging in layout.before if index in staging.consumers for each in staging.transfers]
        for place in _backends(tree, stage):
            if place.text == "kubernetes":
                continue
            elsewhere = True
            if used:
                message = f'"{used[0].path}" is staged into the workspace, which {place.text} copies to the job'
                hint = "the copy costs time and space there; read it on kubernetes if it is large"
                tree.report.add(rules.OTHER_BACKEND, place.span, message, hint)
    return elsewhere


def _backends(tree: Tree, stage: Stage) -> list[Cursor]:
    found = []
    for step in stage.steps:
        resources = tree.get(step, "environment", "resources")
        for _, each in tree.children(resources) if resources else ():
            backend = tree.get(each, "compute_backend")
            found += [backend] if backend else []
    return found + [each for workflow in stage.workflows for inner in workflow for each in _backends(tree, inner)]
