"""Whole analyses as Hypothesis draws them: valid ones of all four engines, in many layouts, and how to break one."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.fuzz import mutation
from tests.fuzz.projects import Files, cases

IMAGE = "docker.io/library/busybox:1.36"
Tree = dict[str, Any]


@dataclass(frozen=True)
class Input:
    """What is staged: declared as an entry of inputs, or said in place of a value."""

    name: str
    path: str
    directory: bool
    as_value: bool

    @property
    def expression(self) -> str:
        return f"rucio(escape, user.jdoe, {self.name}) -> {self.path}{'/' * (self.directory and self.as_value)}"

    @property
    def value(self) -> str:
        return self.expression if self.as_value else self.path


@dataclass(frozen=True)
class Project:
    """An analysis: its files, what it moves (direction, name, path), its own steps in order, and its comments by file."""

    files: Mapping[str, str]
    moved: frozenset[tuple[str, str, str]]
    steps: tuple[str, ...]
    comments: Mapping[str, tuple[str, ...]]


@st.composite
def projects(draw: st.DrawFn, kind: str) -> Project:
    """A valid analysis for an engine."""
    inputs = [
        Input(f"e{number}.root" if not directory else f"run{number}", path.format(number), directory, as_value)
        for number, (directory, path, as_value) in enumerate(draw(st.lists(_INPUTS, min_size=1, max_size=3)))
    ]
    outputs = draw(st.integers(0, 2))
    workflow, parameters, made = _ENGINES[kind](draw, inputs, outputs)
    names = list(workflow)  # of its files, none for serial
    spec: Tree = {"inputs": {}, "workflow": {"type": kind}}
    if kind == "serial":
        spec["workflow"]["specification"] = workflow.pop("")
        names = []
    else:
        spec["workflow"]["file"] = names[0]
    spec["inputs"]["files"] = draw(
        st.permutations(
            [each.expression for each in inputs if not each.as_value and not each.directory] + ["code/fit.C", *names]
        )
    )
    folders = [each.expression for each in inputs if each.directory and not each.as_value]
    if folders:
        spec["inputs"]["directories"] = draw(st.permutations(["code/lib", *folders]))
    if kind in ("cwl", "snakemake") and parameters and draw(st.booleans()):
        workflow["job.yml"], parameters = parameters, {"input": "job.yml"}
    if parameters:
        spec["inputs"]["parameters"] = parameters
    if made or draw(st.booleans()):
        expressions = [
            f'{path} -> rucio(escape, user.jdoe, "o{at}-{{run}}", rse=CERN-DISK)' for at, path in enumerate(made)
        ]
        spec["outputs"] = {"files": draw(st.permutations([*expressions, "results/plain.txt"]))}
    if draw(st.booleans()):
        spec["version"] = "0.9.3"
    spec = {key: spec[key] for key in draw(st.permutations(sorted(spec)))}
    files, comments = {}, {}
    for name, content in {"reana.yaml": spec, **workflow}.items():
        files[name] = content if isinstance(content, str) else _written(draw, content)
        comments[name] = tuple(re.findall(r"^ *(# c\d+)$", files[name], re.MULTILINE))
    if draw(st.booleans()):
        files = {name: text if name == "Snakefile" else text.replace("\n", "\r\n") for name, text in files.items()}
    moved = {("in", each.name, each.path) for each in inputs} | {
        ("out", f"o{at}-{{run}}", path) for at, path in enumerate(made)
    }
    return Project(files, frozenset(moved), tuple(f"step{at}" for at in range(len(inputs) + outputs)), comments)


_INPUTS = st.tuples(st.booleans(), st.sampled_from(["data/e{}", "e{}", "a/b/c{}.root"]), st.booleans())
_Made = tuple[dict[str, Any], Tree, list[str]]


def _serial(draw: st.DrawFn, inputs: list[Input], outputs: int) -> _Made:
    commands = [f"cat ${{p{at}}}" for at in range(len(inputs))] + [f"date > results/o{at}.txt" for at in range(outputs)]
    steps: list[Tree] = []
    for at, command in enumerate(commands):
        more = {"kubernetes_memory_limit": "1Gi"} if draw(st.booleans()) else {}
        steps.append({"name": f"step{at}", "environment": IMAGE, **more, "commands": ["mkdir -p results", command]})
    parameters = {f"p{at}": each.value for at, each in enumerate(inputs)}
    return {"": {"steps": steps}}, parameters, [f"results/o{at}.txt" for at in range(outputs)]


def _cwl(draw: st.DrawFn, inputs: list[Input], outputs: int) -> _Made:
    kinds = ["Directory" if each.directory else "File" for each in inputs]
    runs: Tree = {}
    for at, kind in enumerate(kinds):
        runs[f"step{at}"] = ({"f": f"p{at}"}, {"inputs": {"f": {"type": kind, "inputBinding": {}}}, "outputs": []}, [])
    for at in range(outputs):
        port = {"plot": {"type": "File", "outputBinding": {"glob": f"o{at}.txt"}}}
        runs[f"step{len(inputs) + at}"] = ({}, {"inputs": [], "outputs": port}, ["plot"])
    files: Tree = {"main.cwl": {}}
    steps: Tree = {}
    for name, (given, ports, out) in runs.items():
        tool = {
            "class": "CommandLineTool",
            "baseCommand": ["sh", "-c", "true"],
            **ports,
            "hints": {"DockerRequirement": {"dockerPull": IMAGE}},
        }
        apart = draw(st.booleans())
        if apart:
            files[f"{name}.cwl"] = {"cwlVersion": "v1.0", **tool}
        steps[name] = {"run": f"{name}.cwl" if apart else tool, "in": given, "out": out}
    results = {f"o{at}": {"type": "File", "outputSource": f"step{len(inputs) + at}/plot"} for at in range(outputs)}
    as_list = draw(st.booleans())
    files["main.cwl"] = {
        "cwlVersion": draw(st.sampled_from(["v1.0", "v1.1", "v1.2"])), "class": "Workflow", "inputs": {f"p{at}": kind for at, kind in enumerate(kinds)},
        "outputs": results, "steps": [{"id": name, **step} for name, step in steps.items()] if as_list else steps,
    }  # fmt: skip
    key = draw(st.sampled_from(["path", "location"]))
    parameters = {f"p{at}": {"class": kinds[at], key: each.value} for at, each in enumerate(inputs)}
    return files, parameters, [f"outputs/o{at}.txt" for at in range(outputs)]


def _yadage(draw: st.DrawFn, inputs: list[Input], outputs: int) -> _Made:
    stages: list[Tree] = []
    steps: Tree = {}
    for at in range(len(inputs) + outputs):
        taken = {"input": {"step": "init", "output": f"p{at}"}} if at < len(inputs) else {}
        process = {"process_type": "string-interpolated-cmd", "cmd": "cat {input}" if taken else "date > {out}"}
        step = {
            "process": process, "publisher": {"publisher_type": "frompar-pub", "outputmap": {} if taken else {"made": "out"}},
            "environment": {"environment_type": "docker-encapsulated", "image": "docker.io/library/busybox", "imagetag": "1.36"},
        }  # fmt: skip
        given: Any = {**taken, **({} if taken else {"out": f"{{workdir}}/o{at}.txt"})}
        if draw(st.booleans()):
            typed = {"expression_type": "stage-output-selector"}
            given = [
                {"key": key, "value": {**typed, **value} if isinstance(value, dict) else value}
                for key, value in given.items()
            ]
        form = draw(st.sampled_from(["here", "reference", "pointer"]))
        if form == "reference":
            steps[f"s{at}"] = step
            step = {"$ref": f"steps.yaml#/s{at}"}
        wait = draw(st.sampled_from([["init"], {"dependency_type": "jsonpath_ready", "expressions": ["init"]}]))
        stages.append(
            {
                "name": f"step{at}",
                "dependencies": wait,
                "scheduler": {"scheduler_type": "singlestep-stage", "parameters": given, "step": step},
            }
        )
    files: Tree = {"workflow.yaml": {"stages": stages}, **({"steps.yaml": steps} if steps else {})}
    parameters = {f"p{at}": each.value for at, each in enumerate(inputs)}
    return files, parameters, [f"step{len(inputs) + at}/o{len(inputs) + at}.txt" for at in range(outputs)]


def _snakemake(draw: st.DrawFn, inputs: list[Input], outputs: int) -> _Made:
    rules, wanted = [], []
    parameters: Tree = {}
    for at, each in enumerate(inputs):
        taken = f'"{each.path}"'
        if each.as_value or draw(st.booleans()):
            parameters[f"p{at}"], taken = each.value, f'config["p{at}"]'
        rules.append(
            f'rule step{at}:\n    input: {taken}\n    output: "results/s{at}"\n    container: "docker://{IMAGE}"\n    shell: "ls {{input}} > {{output}}"\n'
        )
        wanted.append(f"results/s{at}")
    for at in range(outputs):
        rules.append(
            f'rule step{len(inputs) + at}:\n    output:\n        "results/o{at}.txt"  # c\n    container: "docker://{IMAGE}"\n    shell:\n        "date > {{output}}"\n'
        )
        wanted.append(f"results/o{at}.txt")
    first = "rule all:\n    input:\n" + "".join(f'        "{path}",\n' for path in wanted)
    return {"Snakefile": "\n".join([first, *rules])}, parameters, [f"results/o{at}.txt" for at in range(outputs)]


_ENGINES: Mapping[str, Callable[[st.DrawFn, list[Input], int], _Made]] = {
    "serial": _serial, "cwl": _cwl, "yadage": _yadage, "snakemake": _snakemake,
}  # fmt: skip
KINDS = tuple(_ENGINES)


class _Indented(yaml.SafeDumper):
    """Lists stand farther in than their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Indentless(_Indented):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        yaml.SafeDumper.increase_indent(self, flow, indentless)


def _written(draw: st.DrawFn, tree: Tree) -> str:
    """A mapping as YAML, each of its keys in some style, with comments and blank lines around what stands on a line."""
    text, number = draw(st.sampled_from(["", "", "---\n", "\ufeff"])), 0
    for key, value in tree.items():
        style = {
            "Dumper": draw(st.sampled_from([_Indented, _Indentless])), "default_flow_style": draw(st.sampled_from([False, False, None, True])),
            "default_style": draw(st.sampled_from([None, None, "'", '"'])), "indent": draw(st.sampled_from([2, 2, 4])),
        }  # fmt: skip
        part = yaml.dump({key: value}, sort_keys=False, width=10_000, allow_unicode=True, **style)
        part = part[1:-2] + "\n" if part.startswith("{") and part.endswith("}\n") else part
        for line in part.splitlines():
            text += line + draw(st.sampled_from(["", "", "", "  # at the end"])) + "\n"
            if draw(st.integers(0, 5)) == 0:
                text += f"{' ' * draw(st.integers(0, 6))}# c{number}\n"
                number += 1
        text += draw(st.sampled_from(["", "", "\n"]))
    return text if draw(st.booleans()) else text.rstrip("\n")


@st.composite
def broken_projects(draw: st.DrawFn, kind: str) -> Files:
    """An analysis, drawn or one of the golden cases, of which one thing, or two, were changed."""
    drawn = projects(kind).map(lambda project: {name: text.encode() for name, text in project.files.items()})
    files = draw(drawn | st.sampled_from(SEEDS[kind]))
    return mutation.changed(files, random.Random(draw(st.integers(0, 2**32))), MATERIAL[kind], lambda data: data)


SEEDS = {kind: list(cases(kind)) for kind in KINDS}
MATERIAL = {kind: mutation.Material(SEEDS[kind]) for kind in KINDS}
