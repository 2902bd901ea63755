"""Compiled Snakemake workflows, run by real Snakemake with the real stager against a real Rucio server."""

from __future__ import annotations

import json
import shutil
import zlib
from pathlib import Path

import pytest

from reana_rucio_compiler.compiler import compile_file
from reana_rucio_compiler.locks import locked, render
from tests.engines.snakemake_runner import SNAKEMAKES, Run, load, run_snakemake, upload
from tests.environments import needs, python_of
from tests.rucio.server import Server

EXAMPLE = Path(__file__).parents[2] / "examples" / "snakemake-data-and-simulation"
RUN = "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9"

INSTANCE = """\
rucio:
  instances:
    lab:
      rucio_host: {url}
      auth_host: {url}
      account: jdoe
      auth_type: userpass
      rse: CERN-DISK
"""


SLOW_WITH_9 = ["7.32", pytest.param("9", marks=pytest.mark.slow)]


@pytest.fixture(params=SNAKEMAKES)
def version(request: pytest.FixtureRequest) -> str:
    return request.param


class Project:
    """An analysis of a user, and the workspace that REANA makes of it."""

    def __init__(self, directory: Path, server: Server, version: str, **files: str) -> None:
        needs("clients-41.5.1")
        self.version, self.server, self.source = version, server, directory / "project"
        for name, text in files.items():
            path = self.source / name.replace("__DASH__", "-").replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        spec = self.source / "reana.yaml"
        spec.write_text(INSTANCE.format(url=server.url) + spec.read_text())
        result = compile_file(spec)
        assert result.text is not None, [found.message for found in result.diagnostics]
        self.said = [found.rule.code for found in result.diagnostics]
        (self.source / "out.yaml").write_text(result.text)
        for name, text in result.files.items():
            (self.source / name).write_text(text)
        self.workspace = directory / "users" / "1" / "workflows" / RUN
        self.workspace.mkdir(parents=True)
        self.spec = upload(self.source, "out.yaml", self.workspace)

    def load(self) -> dict:
        return load(self.version, self.source, "out.yaml")

    def run(self) -> Run:
        environment = {
            "PATH": f"{python_of('clients-41.5.1').parent}:/usr/bin:/bin",
            "RUCIO_LAB_USERNAME": "jdoe",
            "RUCIO_LAB_PASSWORD": self.server.accounts["jdoe"],
        }
        parameters = self.spec["inputs"].get("parameters", {})
        return run_snakemake(self.version, self.workspace, self.spec["workflow"]["file"], parameters, environment)

    def read(self, path: str) -> str:
        return (self.workspace / path).read_text()

    def fetched(self, receipt: str) -> dict[str, str]:
        """Path to status, of a receipt."""
        return {row["path"]: row["status"] for row in json.loads(self.read(receipt))["files"]}


DESIGN = {
    "reana_dot_yaml": """\
inputs:
  files:
    - workflow/Snakefile
    - rucio(lab, user.jdoe, events.root)
    - rucio(lab, user.jdoe, calib-v3.db) -> data/calib.db
  directories:
    - rucio(lab, user.jdoe, run2022.aod) -> data/run2022
  parameters:
    input: workflow/inputs.yaml
workflow:
  type: snakemake
  file: workflow/Snakefile
outputs:
  files:
    - results/plot.txt -> rucio(lab, user.jdoe, "plot-{run}-%VERSION%.txt")
  directories:
    - results/ntuples -> rucio(lab, user.jdoe, "ntuples-{run}-%VERSION%")
""",
    "workflow__inputs_dot_yaml": """\
# the calibration comes from Rucio too
calibration: rucio(lab, user.jdoe, calib-v3.db)
times: 2
""",
    "workflow__Snakefile": """\
rule all:
    input: "results/plot.txt"

rule skim:
    input: "events.root", "data/run2022", calibration=config["calibration"]
    output: directory("results/ntuples")
    shell:
        "mkdir -p {output} && for n in $(seq {config[times]}); do"
        " cat {input[0]} {input.calibration} {input[1]}/*.root > {output}/ntuple-%VERSION%-{{n}}-$n.txt; done"

rule plot:
    input: "results/ntuples"
    output: "results/plot.txt"
    shell: "cat {input}/* | wc -c > {output}; echo {input} >> {output}"
""",
}


def test_files_of_a_locked_dataset_are_taken_by_name(
    version: str, rucio_server: Server, example_dids: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    """One rule stages them all; a run whose dataset is not what was locked fails, and makes none of them."""
    files = example_dids["user.jdoe:run2022.aod"]
    lines = [f"user.jdoe:{name} {len(content)} adler32:{zlib.adler32(content):08x}" for name, content in files.items()]
    key = ("lab", "user.jdoe:run2022.aod", None)
    sources = {
        "reana_dot_yaml": "inputs:\n  files: [Snakefile]\n  directories:\n"
        "    - rucio(lab, user.jdoe, run2022.aod) -> data/aod\n"
        "workflow: {type: snakemake, file: Snakefile}\n",
        "Snakefile": 'rule all:\n    input: "sum.txt", expand("sizes/{n}", n=[1, 2])\n'
        'rule size:\n    input: "data/aod/aod-{n}.root"\n    output: "sizes/{n}"\n'
        '    shell: "wc -c < {input} > {output}"\n'
        'rule sum:\n    input: "data/aod/aod-3.root"\n    output: "sum.txt"\n    shell: "cat {input} > {output}"\n',
    }
    good = render({key: locked("dataset", lines, True, False)})
    project = Project(tmp_path / "good", rucio_server, version, **sources, reana_dot_rucio__DASH__lock_dot_json=good)
    assert project.load()["workflow"]["file"] == "Snakefile.rucio"
    run = project.run()
    assert run.returncode == 0, run.output
    assert sorted(run.jobs) == ["all", "rucio_stage_in_lab", "size", "size", "sum"]
    assert project.read("sum.txt").encode() == files["aod-3.root"]
    assert set(project.fetched("rucio-stage-in.lab.json")) == {f"data/aod/{name}" for name in files}
    again = project.run()
    assert (again.returncode, again.jobs) == (0, []), again.output
    bad = render({key: locked("dataset", [line.replace(" adler32:", "0 adler32:") for line in lines], True, False)})
    project = Project(tmp_path / "bad", rucio_server, version, **sources, reana_dot_rucio__DASH__lock_dot_json=bad)
    run = project.run()
    assert run.returncode != 0
    assert "user.jdoe:run2022.aod: is not what was locked: changed " in run.output
    assert not (project.workspace / "sum.txt").exists()
    assert not list((project.workspace / "data").rglob("*.root"))


def test_files_a_dataset_parameters_and_outputs(
    version: str, rucio_server: Server, example_dids: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    """The three rules of ours run before what needs them; the outputs are on the server; a second run does nothing."""
    files = {name: text.replace("%VERSION%", version).replace("{{n}}", "n") for name, text in DESIGN.items()}
    project = Project(tmp_path, rucio_server, version, **files)
    assert project.load()["workflow"]["file"] == "workflow/Snakefile.rucio"
    run = project.run()
    assert run.returncode == 0, run.output
    assert run.jobs == [
        "rucio_stage_check_lab", "rucio_stage_in_lab", "skim", "plot", "rucio_stage_out_lab", "all",
    ]  # fmt: skip
    dids = ("user.jdoe:events.root", "user.jdoe:calib-v3.db", "user.jdoe:run2022.aod")
    content = b"".join(piece for did in dids for piece in example_dids[did].values())
    assert project.read(f"results/ntuples/ntuple-{version}-n-1.txt").encode() == content
    stored = rucio_server.replica_path(f"user.jdoe:plot-{RUN}-{version}.txt", "CERN-DISK")
    assert stored.read_text() == project.read("results/plot.txt") == f"{2 * len(content)}\nresults/ntuples\n"
    attached = rucio_server.client().call("list_content", "user.jdoe", f"ntuples-{RUN}-{version}")
    assert sorted(row["name"] for row in attached) == [f"ntuple-{version}-n-{n}.txt" for n in (1, 2)]
    assert set(project.fetched("rucio-stage-in.lab.json").values()) == {"fetched"}
    again = project.run()
    assert (again.returncode, again.jobs) == (0, []), again.output


def test_wildcards_stage_what_is_asked_for(
    version: str, rucio_server: Server, example_dids: dict, unique_name, tmp_path: Path
) -> None:
    """One DID for each wildcard, one file of a dataset at a time, and a lazy file; nothing that no rule needs."""
    hists = unique_name("hists")
    for sample in ("data", "mc", "unused"):
        path = tmp_path / "source"
        path.write_text(f"{sample}\n")
        rucio_server.upload(path, f"user.jdoe:{hists}_{sample}.root", "SITE1_SCRATCHDISK", "jdoe")
    project = Project(
        tmp_path,
        rucio_server,
        version,
        reana_dot_yaml=f"""\
inputs:
  files:
    - Snakefile
    - rucio(lab, user.jdoe, "{hists}_{{sample}}.root") -> data/hists_{{sample}}.root
    - rucio(lab, user.jdoe, calib-v3.db, lazy=true) -> data/calib.db
    - rucio(lab, user.jdoe, events.root, lazy=true) -> data/not-needed.root
  directories:
    - rucio(lab, user.jdoe, run2022.aod) -> aod/{{name}}
workflow:
  type: snakemake
  file: Snakefile
""",
        Snakefile="""\
rule all:
    input: expand("out/{sample}.txt", sample=["data", "mc"])

rule fit:
    input: "data/hists_{sample}.root", "aod/aod-2.root", "data/calib.db"
    output: "out/{sample}.txt"
    shell: "head -qn1 {input} > {output}"

rule guess:
    input: "{anything}.source"
    output: "{anything}.root"
    shell: "cp {input} {output}"
""",
    )
    project.load()
    run = project.run()
    assert run.returncode == 0, run.output
    staging = sorted(job for job in run.jobs if job.startswith("rucio"))
    assert staging == [
        "rucio_stage_in_lab_aod_name",
        "rucio_stage_in_lab_data_calib_db",
        "rucio_stage_in_lab_data_hists_sample_root",
        "rucio_stage_in_lab_data_hists_sample_root",
    ]
    assert project.read("out/mc.txt") == "mc\naod-2.root\ncalib-v3.db\n"
    assert sorted(path.name for path in (project.workspace / "data").iterdir()) == [
        "calib.db", "hists_data.root", "hists_mc.root",
    ]  # fmt: skip
    assert [path.name for path in (project.workspace / "aod").iterdir()] == ["aod-2.root"]
    assert project.fetched("rucio-stage-in.lab.data_hists_sample_root.mc.json") == {"data/hists_mc.root": "fetched"}
    assert "RR457" in project.said
    assert project.run().jobs == []


@pytest.mark.parametrize("version", SLOW_WITH_9)
@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("user.jdoe, no-such-file.root", "data/a.root"),
        ('user.jdoe, "hists_{sample}.root"', "data/{sample}.root"),
        ("user.jdoe, run2022.aod", "data/{name}"),
    ],
    ids=["file", "wildcard", "member"],
)
def test_a_failure_fails_the_workflow(
    entry: str, path: str, version: str, rucio_server: Server, example_dids: dict, tmp_path: Path
) -> None:
    """No consumer runs, nothing stands at the path, and the reason is in the log."""
    place = "directories" if "aod" in entry else "files"
    lines = {"files": "    - Snakefile\n", "directories": ""}
    lines[place] += f"    - rucio(lab, {entry}) -> {path}\n"
    project = Project(
        tmp_path,
        rucio_server,
        version,
        reana_dot_yaml="inputs:\n"
        + "".join(f"  {key}:\n{text}" for key, text in lines.items() if text)
        + "workflow:\n  type: snakemake\n  file: Snakefile\n",
        Snakefile='rule fit:\n    input: "data/a.root"\n    output: "out.txt"\n    shell: "cp {input} {output}"\n',
    )
    run = project.run()
    assert run.returncode != 0
    assert "fit" not in run.jobs
    assert len(run.jobs) == 1
    assert "reana-rucio: error: user.jdoe:" in run.output
    assert not (project.workspace / "data" / "a.root").exists()


def test_outputs_that_cannot_be_written_stop_the_workflow_before_it_computes(
    version: str, rucio_server: Server, example_dids: dict, tmp_path: Path
) -> None:
    """Not even the rule that needs nothing staged runs, and a user's command sees its own input alone."""
    project = Project(
        tmp_path,
        rucio_server,
        version,
        reana_dot_yaml="""\
inputs:
  files: [Snakefile]
workflow:
  type: snakemake
  file: Snakefile
outputs:
  files:
    - out.txt -> rucio(lab, user.jdoe, "out-{run}.txt", rse=NO-SUCH-RSE)
""",
        Snakefile="""\
rule all:
    input: "out.txt"

rule first:
    output: "first.txt"
    shell: "touch {output}"

rule second:
    input: "first.txt"
    output: "out.txt"
    shell: "echo {input} > {output}"
""",
    )
    project.load()
    run = project.run()
    assert run.returncode != 0
    assert run.jobs == ["rucio_stage_check_lab"]
    assert "NO-SUCH-RSE" in run.output


@pytest.mark.parametrize("version", SLOW_WITH_9)
def test_hostile_paths_and_wildcards_are_data(
    version: str, rucio_server: Server, example_dids: dict, tmp_path: Path
) -> None:
    """Quotes, dollars, backticks and three quotes in a path, and a shell command as the value of a wildcard."""
    nasty = "d/it's \"$(touch owned1)\" `touch owned2` '''x''' END.root"
    project = Project(
        tmp_path,
        rucio_server,
        version,
        reana_dot_yaml=f"""\
inputs:
  files:
    - Snakefile
    - rucio(lab, user.jdoe, events.root) -> {nasty}
    - rucio(lab, user.jdoe, "{{name}}") -> n/{{name}}
workflow:
  type: snakemake
  file: Snakefile
""",
        Snakefile=f"""\
rule all:
    input: "good.txt"

rule good:
    input: {nasty!r}
    output: "good.txt"
    shell: "wc -c < {{input:q}} > {{output}}"

rule bad:
    input: "n/x'; touch owned3; echo '\\"$(touch owned4)"
    output: "bad.txt"
    shell: "cp {{input:q}} {{output}}"
""",
    )
    run = project.run()
    assert run.returncode == 0, run.output
    assert project.read("good.txt") == f"{len(example_dids['user.jdoe:events.root']['events.root'])}\n"
    (project.workspace / "good.txt").unlink()
    bad = run_snakemake(
        version,
        project.workspace,
        "Snakefile.rucio",
        environment={"PATH": f"{python_of('clients-41.5.1').parent}:/usr/bin:/bin"},
        arguments=("bad.txt",),
    )
    assert bad.returncode != 0
    assert not list(project.workspace.glob("owned*"))
    assert "reana-rucio: error: downloads[0].name: " in bad.output


@pytest.mark.parametrize("version", SLOW_WITH_9)
def test_the_example_compares_data_and_simulation(version: str, rucio_server_tls: Server, tmp_path: Path) -> None:
    """Simulation that is made to describe the data does so: the ratio is one in every bin."""
    rates = {"zmumu": 3.0, "ttbar": 2.0, "diboson": 1.0}
    luminosity, bins, events = 2.5, ("60", "90", "120"), 4000
    sources = {"luminosity-2022.json": json.dumps({"inverse femtobarn": luminosity})}
    for sample, rate in rates.items():
        lines = [f"{mass},{events * number / 6}" for number, mass in enumerate(bins, 1)]
        sources[f"mass-{sample}-v2.csv"] = "\n".join([*lines, f"cross section,{events},{rate}"]) + "\n"
    counts = [luminosity * sum(rates.values()) * number / 6 for number in (1, 2, 3)]
    sources["mass-data2022-v2.csv"] = "".join(f"{mass},{count}\n" for mass, count in zip(bins, counts))
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
        if not rucio_server_tls.client("jdoe").call("list_dids", "user.jdoe", {"name": name}, did_type="file"):
            rucio_server_tls.upload(tmp_path / name, f"user.jdoe:{name}", "SITE1_SCRATCHDISK", "jdoe")
    project = Path(shutil.copytree(EXAMPLE, tmp_path / "project"))
    spec = (project / "reana.yaml").read_text().replace("CERN-EOS", "CERN-DISK").replace("{run}", "{run}-" + version)
    (project / "reana.yaml").write_text(spec)
    result = compile_file(project / "reana.yaml")
    assert result.text is not None
    (project / "out.yaml").write_text(result.text)
    for name, text in result.files.items():
        (project / name).write_text(text)
    load(version, project, "out.yaml")
    workspace = tmp_path / "users" / "1" / "workflows" / RUN
    workspace.mkdir(parents=True)
    document = upload(project, "out.yaml", workspace)
    environment = {
        **rucio_server_tls.sidecar(tmp_path / "sidecar", "jdoe"),
        "PATH": f"{python_of('clients-41.5.1').parent}:/usr/bin:/bin",
    }
    run = run_snakemake(version, workspace, document["workflow"]["file"], document["inputs"]["parameters"], environment)
    assert run.returncode == 0, run.output
    assert run.jobs.count("rucio_stage_in_escape_histograms_sample_csv") == 4
    rows = (workspace / "results/comparison.csv").read_text().splitlines()
    assert [row.rpartition(",")[2] for row in rows] == ["ratio", "1.000", "1.000", "1.000"]
    stored = rucio_server_tls.replica_path(f"user.jdoe:mass-comparison-{RUN}-{version}.csv", "CERN-DISK")
    assert stored.read_text().splitlines() == rows
