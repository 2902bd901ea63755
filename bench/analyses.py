"""Analyses of any size, one of each engine: files by name, as they stand in a directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

STEPS = 10  # of the engines but serial: each takes a share of the inputs

_HEAD = "version: 0.9.4\ninputs:\n"
_IMAGE = "docker.io/library/python:3.11"


def write(files: Mapping[str, str], folder: Path) -> None:
    """Write the files into a directory, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def serial(inputs: int, steps: int) -> dict[str, str]:
    """Each step reads one of the inputs."""
    lines = [_HEAD, "  files:\n", *(_entry(number) for number in range(inputs))]
    lines.append("workflow:\n  type: serial\n  specification:\n    steps:\n")
    for number in range(steps):
        lines.append(f"      - name: step{number}\n        environment: {_IMAGE}\n        commands:\n")
        lines.append(f"          - python select.py {_path(number % inputs)} > results/{number}.csv\n")
    return {"reana.yaml": "".join(lines)}


def cwl(inputs: int) -> dict[str, str]:
    """A Workflow with a File for each input, which its steps take in equal shares."""
    names = [f"f{number}" for number in range(inputs)]
    main = ["cwlVersion: v1.0\nclass: Workflow\nrequirements:\n  MultipleInputFeatureRequirement: {}\ninputs:\n"]
    main += [f"  {name}: File\n" for name in names]
    main.append("outputs: []\nsteps:\n")
    for number, share in enumerate(_shares(names)):
        main.append(f"  step{number}:\n    run: tool.cwl\n    in:\n      files:\n        source:\n")
        main += [f"          - {name}\n" for name in share]
        main.append("    out: [table]\n")
    job = [f"f{number}:\n  class: File\n  location: {_path(number)}\n" for number in range(inputs)]
    tool = (
        "cwlVersion: v1.0\nclass: CommandLineTool\nbaseCommand: [cat]\nstdout: table.csv\n"
        f"hints:\n  DockerRequirement: {{dockerPull: {_IMAGE}}}\n"
        "inputs:\n  files: {type: 'File[]', inputBinding: {position: 1}}\noutputs:\n  table: stdout\n"
    )
    spec = [_HEAD, "  parameters:\n    input: job.yml\n  files:\n    - tool.cwl\n"]
    spec += [_entry(number) for number in range(inputs)]
    spec.append("workflow:\n  type: cwl\n  file: main.cwl\n")
    return {"reana.yaml": "".join(spec), "main.cwl": "".join(main), "job.yml": "".join(job), "tool.cwl": tool}


def yadage(inputs: int) -> dict[str, str]:
    """A parameter for each input, which the stages take in equal shares."""
    names = [f"f{number}" for number in range(inputs)]
    stages = ["stages:\n"]
    for number, share in enumerate(_shares(names)):
        stages.append(f"  - name: stage{number}\n    dependencies: [init]\n    scheduler:\n")
        stages.append("      scheduler_type: singlestep-stage\n      parameters:\n")
        stages += [f"        {name}: {{step: init, output: {name}}}\n" for name in share]
        stages.append("        table: '{workdir}/table.csv'\n      step:\n        process:\n")
        words = " ".join(f"{{{name}}}" for name in share[:5])
        stages.append(f"          process_type: string-interpolated-cmd\n          cmd: 'cat {words} > {{table}}'\n")
        stages.append(
            "        publisher:\n          publisher_type: frompar-pub\n          outputmap: {table: table}\n"
        )
        stages.append("        environment:\n          environment_type: docker-encapsulated\n")
        stages.append("          image: docker.io/library/python\n          imagetag: '3.11'\n")
    spec = [_HEAD, "  files:\n", *(_entry(number) for number in range(inputs)), "  parameters:\n"]
    spec += [f"    f{number}: {_path(number)}\n" for number in range(inputs)]
    spec.append("workflow:\n  type: yadage\n  file: workflow.yaml\n")
    return {"reana.yaml": "".join(spec), "workflow.yaml": "".join(stages)}


def snakemake(inputs: int) -> dict[str, str]:
    """A rule for each share of the inputs, and one that takes what all of them make."""
    shares = list(_shares([_path(number) for number in range(inputs)]))
    tables = ", ".join(f'"results/{number}.csv"' for number in range(len(shares)))
    rules = [f"rule all:\n    input: {tables}\n"]
    for number, share in enumerate(shares):
        rules.append(f"\nrule select{number}:\n    input:\n")
        rules += [f'        "{path}",\n' for path in share]
        rules.append(f'    output: "results/{number}.csv"\n    container: "docker://{_IMAGE}"\n')
        rules.append('    shell: "cat {input} > {output}"\n')
    spec = [_HEAD, "  files:\n", *(_entry(number) for number in range(inputs))]
    spec.append("workflow:\n  type: snakemake\n  file: Snakefile\n")
    return {"reana.yaml": "".join(spec), "Snakefile": "".join(rules)}


def _path(number: int) -> str:
    return f"data/events-{number:05}.root"


def _entry(number: int) -> str:
    return f"    - rucio(escape, user.jdoe, events-{number:05}.root) -> {_path(number)}\n"


def _shares(names: list[str]) -> list[list[str]]:
    return [names[number::STEPS] for number in range(STEPS)]
