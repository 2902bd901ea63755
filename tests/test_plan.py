"""`plan`: what it counts, and each of its formats."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from reana_rucio_compiler import compile, locks  # noqa: A004 - the name of the command
from reana_rucio_compiler.compiler import plan_file
from reana_rucio_compiler.model import Instance, Plan, Transfer
from reana_rucio_compiler.overview import data, mermaid, page, text
from reana_rucio_compiler.overview.drawing import draw
from reana_rucio_compiler.overview.facts import Move, Overview, gather, human, totals
from reana_rucio_compiler.overview.graph import layers, reduced
from reana_rucio_compiler.staging import stage_in_jobs
from reana_rucio_compiler.task import Step
from tests.command import run
from tests.examples import ROOT

SPECS = sorted(
    path
    for path in [*(ROOT / "examples").glob("*/reana.yaml"), *(ROOT / "tests/golden").glob("*/*/reana.yaml")]
    if path.parts[-3] != "errors" and "rucio(" in path.read_text() and not (path.parent / "args").exists()
)
SCHEMA = json.loads((ROOT / "schemas/plan.json").read_text())
WORKFLOW = "workflow: {type: serial, specification: {steps: [{environment: 'a:1', commands: [ls d]}]}}\n"
HOSTILE = '<script>alert("x")</script>&`]})%%{init}'


def _locked(directory: Path, name: str, sizes: dict[str, list[int]]) -> Path:
    """An example with a lock that says how large the files of its inputs are, in any order of its DIDs' paths."""
    spec = Path(shutil.copytree(ROOT / "examples" / name, directory / name)) / "reana.yaml"
    plan, _ = plan_file(spec)
    lock = {}
    for transfer in plan.inputs:
        if transfer.path in sizes:
            lines = [f"{transfer.scope}:f{at} {size} adler32:00000001" for at, size in enumerate(sizes[transfer.path])]
            kind = "dataset"
            if transfer.type == "file":
                kind, lines = "file", [f"{transfer.did} {sizes[transfer.path][0]} adler32:00000001"]
            lock[locks.key_of(transfer)] = locks.locked(kind, lines)
    locks.lock_path(spec).write_text(locks.render(lock))
    return spec


def _json(spec: Path) -> dict:
    result = run("plan", str(spec), "--format", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


class _Page(html.parser.HTMLParser):
    """Holds that every element is closed where it should be, and gathers texts, identifiers and references."""

    VOID = ("meta", "link", "wbr")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action") and value]
        if tag not in self.VOID and not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _plain(did: str) -> str:
    """A DID without the constraints of its wildcards, which are Snakemake's."""
    return re.sub(r",[^{}]*(?:\{[^{}]*\})?[^{}]*\}", "}", did)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: f"{path.parts[-3]}-{path.parts[-2]}")
def test_every_format_says_all_that_moves(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    result = compile("reana.yaml")
    overview = gather(result, "reana.yaml")
    inputs = {(each.instance, _plain(each.did)) for each in result.plan.inputs}
    outputs = {(each.instance, each.did) for each in result.plan.outputs}
    names = {step.name for step in result.steps}

    report = json.loads(data.render(overview))
    Draft7Validator(SCHEMA).validate(report)
    assert {(each["instance"], _plain(each["did"])) for each in report["inputs"]} == inputs
    assert {(each["instance"], each["did"]) for each in report["outputs"]} == outputs
    assert {step["name"] for step in report["steps"]} == names

    said = text.render(overview)
    assert [name for name in names | {did for _, did in inputs | outputs} if name not in said] == []

    chart = mermaid.render(overview)
    counts = {kind: len(re.findall(rf"^  {kind}\d+[\[(]", chart, re.MULTILINE)) for kind in "sio"}
    for kind, count in re.findall(r'^  m([io])s\d+\[\("and (\d+) more"\)\]', chart, re.MULTILINE):
        counts[kind] += int(count)
    assert counts == {"s": len(names), "i": len(overview.inputs), "o": len(overview.outputs)}

    html_text = page.render(overview)
    shown = _Page(html_text)
    assert shown.addresses == ["data:,"]
    assert not {"script", "img", "iframe"} & set(shown.tags)
    assert "//" not in html_text.replace("http://www.w3.org/2000/svg", "")
    assert shown.tags.count("rect") == 2 * len(names)


def test_schema_names_every_key() -> None:
    Draft7Validator.check_schema(SCHEMA)
    report = _json(ROOT / "examples/serial-two-instances/reana.yaml")
    assert set(report) == set(SCHEMA["properties"])
    assert set(report["totals"]) == set(SCHEMA["properties"]["totals"]["properties"])
    common = set(SCHEMA["definitions"]["move"]["properties"])
    for key in ("inputs", "outputs"):
        assert set(report[key][0]) == common | set(SCHEMA["properties"][key]["items"]["properties"])


@pytest.mark.parametrize("form", ["text", "json", "mermaid", "html"])
def test_result_is_the_same_every_time(form: str) -> None:
    spec = str(ROOT / "examples/snakemake-data-and-simulation/reana.yaml")
    assert run("plan", spec, "--format", form).stdout_bytes == run("plan", spec, "--format", form).stdout_bytes


def test_sizes_are_those_of_the_lock(tmp_path: Path) -> None:
    spec = _locked(tmp_path, "serial-dimuon-mass", {"data/calibration.json": [5], "data/dimuons": [1000, 200, 30]})
    report = _json(spec)
    assert [(each["path"], each["files"], each["bytes"]) for each in report["inputs"]] == [
        ("data/calibration.json", 1, 5),
        ("data/dimuons", 3, 1230),
    ]
    assert report["totals"] == {
        "staging_pods": 2,
        "staging_pods_exact": True,
        "other_pods": 3,
        "other_pods_exact": True,
        "files": 4,
        "bytes": 1235,
        "inputs_of_unknown_size": 0,
        "largest_pod": {"job": "rucio-stage-in.escape", "bytes": 1235},
        "workspace_bytes": {"least": 1235, "most": 1235},
    }
    assert "1.23 kB in 3 files" in run("plan", str(spec)).stdout


def test_cwl_holds_what_is_staged_more_than_once(tmp_path: Path) -> None:
    spec = _locked(tmp_path, "cwl-dimuon-scatter", {"calibration/muons.json": [5], "data/dimuons": [1000]})
    totals_ = _json(spec)["totals"]
    assert totals_["workspace_bytes"] == {"least": 2010, "most": None}, "a copy for each job of the scatter"
    assert (totals_["other_pods"], totals_["other_pods_exact"]) == (1, False)
    shown = run("plan", str(spec)).stdout
    assert "2.01 kB to 3.02 kB, as CWL copies what its steps hand on, or more, as it does for each job of a" in shown
    workflow = spec.with_name("workflow") / "main.cwl"
    workflow.write_text(re.sub(r" *scatter\w*:.*\n", "", workflow.read_text()))
    assert _json(spec)["totals"]["workspace_bytes"] == {"least": 2010, "most": 3015}


def test_cwl_holds_a_copy_for_each_step_that_takes_it() -> None:
    (job,) = stage_in_jobs(Plan((_input(100),), (), (Instance("escape"),), ()))
    users = tuple(Step(name, ("rucio-stage-in",)) for name in "abcd")
    move = Move(job.downloads[0], "rucio-stage-in", job.name, tuple(step.name for step in users))
    overview = Overview("reana.yaml", "cwl", (Step("rucio-stage-in", jobs=(job,)), *users), (move,), ())
    assert overview.workspace == (200, 500)


def _input(size: int) -> Transfer:
    return Transfer(
        "in", "escape", "u", "a", "file", "a", (), lock=locks.locked("file", [f"u:a {size} adler32:00000001"])
    )


def test_what_no_lock_has_is_not_guessed(tmp_path: Path) -> None:
    spec = _locked(tmp_path, "serial-dimuon-mass", {"data/calibration.json": [5]})
    overview = gather(compile(spec), "reana.yaml")
    assert [move.transfer.path for move in overview.unknown] == ["data/dimuons"]
    said = dict(totals(overview))
    assert said["staged in"] == "5 B in 1 file; reana-rucio lock says the size of 1 of 2 inputs"
    assert said["workspace"] == "at least 5 B, and what the steps write"


def test_what_no_lock_can_have_is_not_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Snakefile").write_text('rule all:\n    input: "k/1", "a.root"\n')
    Path("reana.yaml").write_text(
        "inputs:\n  files: [Snakefile, 'rucio(escape, u, a.root)']\n"
        '  directories: [\'rucio(escape, u, "run{k}") -> "k/{k}"\']\nworkflow: {type: snakemake, file: Snakefile}\n'
    )
    said = "not known; reana-rucio lock says the size of 1 of 2 inputs; only a run knows that of 1 input\n"
    assert run("plan").stdout.endswith(said)


def test_flowchart_of_many_inputs_is_one_that_github_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = "".join(
        f"    - rucio(escape, user.jdoe, a-rather-long-name-{number}.root) -> d/{number}\n" for number in range(900)
    )
    Path("reana.yaml").write_text(f"inputs:\n  files:\n{files}{WORKFLOW}")
    chart = run("plan", "--format", "mermaid").stdout
    assert len(chart) < 50_000
    assert chart.count("->") < 500
    assert 'mis0[("and 850 more")]:::rucio\n  mis0 -.-> s0\n' in chart


def test_largest_pod_is_of_one_job(tmp_path: Path) -> None:
    spec = _locked(tmp_path, "serial-two-instances", {"data/drift-times.csv": [10], "data/resolution.csv": [30]})
    assert _json(spec)["totals"]["largest_pod"] == {"job": "rucio-stage-in.vre", "bytes": 30}


def test_specification_without_expressions_moves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reana.yaml").write_text(
        "workflow: {type: serial, specification: {steps: [{environment: 'a:1', commands: [ls]}]}}\n"
    )
    assert run("plan").stdout == "reana.yaml: serial\n\npods:        0 staging pods, 0 of the workflow's own\n"
    assert _json(Path("reana.yaml"))["inputs"] == []
    assert "Nothing is moved." in run("plan", "--format", "html").stdout


def test_names_are_text_in_every_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    step = json.dumps(HOSTILE)
    Path("reana.yaml").write_text(
        "inputs: {files: ['rucio(escape, user.j, a&<b>.root)']}\n"
        f"workflow: {{type: serial, specification: {{steps: [{{name: {step}, environment: 'a:1', commands: [ls]}}]}}}}\n"
    )
    shown = run("plan", "--format", "html").stdout
    assert "script" not in _Page(shown).tags
    assert "&lt;script&gt;" in shown
    chart = run("plan", "--format", "mermaid").stdout
    assert set('<>&`%"') & set("".join(re.findall(r'\["(.*?)"\]', chart))) == set()


@pytest.mark.parametrize("form", ["text", "html", "mermaid"])
def test_no_name_turns_the_direction_of_writing(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reana.yaml").write_text(
        "inputs: {files: ['rucio(escape, user.j, a.root)']}\n"
        'workflow: {type: serial, specification: {steps: [{name: "a\\u202eb", environment: "a:1", commands: [ls]}]}}\n',
        encoding="utf-8",
    )
    shown = run("plan", "--format", form).stdout
    assert not re.search("\u202e|#8238;", shown)
    assert re.search("a(\ufffd|#65533;)b", shown)


def test_wide_picture_begins_with_the_staging() -> None:
    """Of a row of many steps a screen shows the left end: what the others wait for must not be in the far middle."""
    many = tuple(Step(f"s{number}", ("rucio-stage-in",)) for number in range(20))
    overview = Overview("reana.yaml", "serial", (Step("rucio-stage-in"), *many), (), ())
    lefts = {int(left) for left in re.findall(r'<rect x="(\d+)" y="12"', draw(overview))}
    assert lefts == {12}


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (999_600, "1 MB"), (1_234_567, "1.23 MB"), (10**19, "1e+04 PB")],
)
def test_bytes_as_people_say_them(count: int, said: str) -> None:
    assert human(count) == said


DIAMOND = (
    Step("a"),
    Step("b", ("a",)),
    Step("c", ("a",)),
    Step("d", ("b", "c", "a")),
    Step("e", ("a", "d")),
)


def test_picture_leaves_out_what_follows_from_the_rest() -> None:
    assert [step.after for step in reduced(DIAMOND)] == [(), ("a",), ("a",), ("b", "c"), ("d",)]


def test_steps_stand_below_what_they_wait_for_and_lines_pass_between() -> None:
    steps = (Step("a"), Step("b", ("a",)), Step("x"), Step("c", ("b", "x")))
    layered = layers(steps)
    assert [set(row) - {None} for row in layered.rows] == [{"a", "x"}, {"b"}, {"c"}]
    assert sum(name is None for row in layered.rows for name in row) == 1
    for line in layered.lines:
        assert [row for row, _ in line] == list(range(line[0][0], line[-1][0] + 1))
    ends = {(layered.rows[a[0]][a[1]], layered.rows[b[0]][b[1]]) for a, *_, b in layered.lines}
    assert ends == {("a", "b"), ("b", "c"), ("x", "c")}


def test_circle_is_drawn_all_the_same() -> None:
    steps = (Step("a", ("b",)), Step("b", ("a", "b")))
    assert {name for row in layers(steps).rows for name in row} == {"a", "b"}
