"""What REANA takes without a word and then mishandles, and what an analysis most likely does not mean.

Here are the warnings about the steps of serial workflows, which stand in the specification; those that a compiler of
ours added are never looked at. Other engines' are made where their files are read (backends/).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from . import rules
from .byhand import transfers_by_hand
from .diagnostics import Report
from .documents import Document, Node
from .instances import nearest
from .limits import check_options
from .mentions import check_mentions
from .model import Plan, Transfer
from .plan import engine_of
from .references import locate
from .source import Span
from .staging import is_ours
from .surroundings import check_ignores, check_surroundings, report_by_hand
from .workspace import Workspace

STEPS = ("workflow", "specification", "steps")


def lint(document: Document, plan: Plan, workspace: Workspace, report: Report) -> None:
    """Report what is suspicious in a specification, whether or not it has errors."""
    if engine_of(document) == "serial":
        steps = list(_user_steps(document))
        _check_selection(document, plan, steps, report)
        _check_backends(document, plan, steps, report)
        check_mentions(document, plan, list(_commands(steps)), workspace, report)
        parameters = _parameters(document)
        unsure = _unsure_of_parameters(document)
        for command in _commands(steps):
            if not unsure:
                _check_template(document, command, parameters, report)
            for found in transfers_by_hand(command.value, parameters):
                report_by_hand(_place(document, command, found.start, found.end), found, report)
    check_options(document, report)
    check_ignores(document.source, report)
    check_surroundings(document, workspace, report)


_KEYS = ("outputs", "workflow", "version", "rucio", "tests", "workspace")


def _unsure_of_parameters(document: Document) -> bool:
    """Whether the parameters stand where they are not found: under a misspelt key, or in what is no mapping."""
    above = document.root
    for wanted, others in (("inputs", _KEYS), ("parameters", ("files", "directories", "options"))):
        node = above.get(wanted)
        keys = [name.value for name, _ in above.pairs if name.value not in others]
        if node is None:
            return any(nearest(key, [wanted]) for key in keys)
        if node.kind != "mapping":
            return node.data is not None
        above = node
    return False


def _user_steps(document: Document) -> Iterator[Node]:
    """The steps of a serial workflow but for those that a compiled specification has from us."""
    steps = document.at(STEPS)
    compiled = is_ours(document.source.text)
    for step in steps.items if steps else ():
        name = step.get("name")
        if not (compiled and name and name.value.startswith("rucio-stage-")):
            yield step


def _commands(steps: list[Node]) -> Iterator[Node]:
    for step in steps:
        commands = step.get("commands")
        yield from (each for each in (commands.items if commands else ()) if each.kind == "scalar")


def _parameters(document: Document) -> dict[str, str]:
    node = document.at(("inputs", "parameters"))
    return {name.value: value.value for name, value in (node.pairs if node else ())}


def _place(document: Document, node: Node, start: int, end: int) -> Span:
    """The span of the characters ``start`` to ``end`` of a scalar's value; all of an alias, which has no text here."""
    if node.alias:
        return Span(document.source, node.start, node.end)
    offsets = locate(document.source.text, node)
    return Span(document.source, offsets[start], offsets[end - 1] + 1)


def _check_selection(document: Document, plan: Plan, steps: list[Node], report: Report) -> None:
    """FROM and TARGET choose steps by name, in any case of letters, and drop the others (facts A.2)."""
    for option, lost in (("FROM", plan.inputs), ("TARGET", plan.outputs)):
        node = document.at(("inputs", "options", option))
        if node is None or node.data is None or report.covers(document.span_of(node)):
            continue
        chosen = node.value.startswith("rucio-stage-") or _check_chosen(document, option, node, steps, report)
        if lost and chosen:
            which = "rucio-stage-in" if option == "FROM" else "rucio-stage-out"
            message = f"{option} leaves steps out, and {which} may be among them"
            hint = "remove it, or make sure that the data are there"
            report.add(rules.CUT_OFF, document.span_of(node), message, hint)


def _check_chosen(document: Document, option: str, chosen: Node, steps: list[Node], report: Report) -> bool:
    """Whether a step is chosen, as far as is known.

    The engine looks at the names from the first step on until one is the wanted; one that is missing kills it.
    """
    names = []
    for step in steps:
        name = step.get("name")
        if name is None:
            message = f"this step has no name, and {option} is sought among the names"
            report.add(rules.UNADDRESSABLE_STEP, document.span_of(step), message, "add name:")
        elif name.value.lower() == chosen.value.lower():
            return True
        else:
            names.append(name.value)
    if len(names) < len(steps):
        return True
    message = f'{option} names no step, and is ignored: there is no "{chosen.value}"'
    hint = nearest(chosen.value, names) or f"the steps are {', '.join(names)}"
    report.add(rules.UNADDRESSABLE_STEP, document.span_of(chosen), message, hint)
    return False


def _check_backends(document: Document, plan: Plan, steps: list[Node], report: Report) -> None:
    """Backends other than Kubernetes get a copy of the workspace (facts A.8)."""
    for step in steps:
        backend = step.get("compute_backend")
        if backend is None or backend.value == "kubernetes" or report.covers(document.span_of(backend)):
            continue
        used = [transfer for transfer in plan.inputs if uses(step, transfer)]
        if used:
            message = f'"{used[0].path}" is staged into the workspace, which {backend.value} copies to the job'
            hint = "the copy costs time and space there; read it on kubernetes if it is large"
            report.add(rules.OTHER_BACKEND, document.span_of(backend), message, hint)


def uses(step: Node, transfer: Transfer) -> bool:
    """Whether a command names the path of a transfer, itself or by a parameter that was the expression."""
    keys = [each.parameter for each in transfer.references if each.parameter is not None]
    words = [transfer.path, *(f"${{{key}}}" for key in keys), *(f"${key}" for key in keys)]
    commands = step.get("commands")
    return any(word in each.value for each in (commands.items if commands else ()) for word in words)


_BRACED = r"\$\{([^{}$\s]+)\}"


def _check_template(document: Document, command: Node, parameters: Mapping[str, str], report: Report) -> None:
    """REANA expands commands by ``string.Template``, and fails the workflow at what that does not know (facts A.3)."""
    if "$" not in command.value:
        return
    from string import Template

    for found in Template.pattern.finditer(command.value):
        name, end = found["named"] or found["braced"], max(found.end(), found.start() + 1)
        braced = re.compile(_BRACED).match(command.value, found.start())
        if found["escaped"] is not None or name in parameters:
            continue
        if not name and braced:
            end, last = braced.end(), re.split(r"\W", braced[1])[-1]
            message = (
                f'"{braced[0]}" names no parameter: to REANA a name is letters, digits and _, and the workflow fails'
            )
            hint = f"write ${{{last}}}" if last in parameters else f"write ${braced[0]} for an expansion by the shell"
        elif name:
            message = f'REANA reads "{found.group()}" as a parameter, and there is none of that name'
            hint = nearest(name, parameters)
            hint = f"{hint} " if hint else ""
            hint += f"write ${found.group()} for a variable of the shell, or add {name}: to inputs.parameters"
        else:
            message = 'REANA reads "$" as the start of a parameter, and no name follows: the workflow fails'
            hint = "write $$ for a dollar sign"
        span = _place(document, command, found.start(), end)
        report.add(rules.TEMPLATE_DOLLAR, span, message, hint)
