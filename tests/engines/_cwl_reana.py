"""Run a packed CWL workflow as REANA's engine does, with the cwltool that reana-commons pins; jobs are local processes.

    python _cwl_reana.py WORKSPACE LOG IMAGE    WORKSPACE holds workflow.json and inputs.json; LOG gets a JSON line for
                                                each job; IMAGE is the current directory of the jobs

What is done here to a job's command is what facts/reana.md A.4 says: all jobs share one home directory, which is their
current one; a job's status is that of a copy from there; words of shells and temporary paths are rewritten.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import cwltool.main
from cwltool.command_line_tool import CommandLineTool
from cwltool.context import LoadingContext, RuntimeContext
from cwltool.executors import SingleJobExecutor
from cwltool.job import JobBase, relink_initialworkdir
from cwltool.process import stage_files
from cwltool.workflow import default_make_tool

WORKSPACE, LOG, IMAGE = (os.path.abspath(argument) for argument in sys.argv[1:4])
VARIABLES = json.loads(os.environ.get("JOB_VARIABLES", "{}"))
SIDECARS = json.loads(os.environ.get("JOB_SIDECARS", "{}"))  # flag -> variables that its sidecar sets


class Job(JobBase):
    """One job, run at once by a shell."""

    def _required_env(self) -> dict[str, str]:
        return {}

    def run(self, runtimeContext, tmpdir_lock=None) -> None:  # noqa: N803 - cwltool's names
        self._setup(runtimeContext)
        os.makedirs(self.tmpdir, exist_ok=True)
        home = self.builder.outdir
        stage_files(self.pathmapper, ignore_writable=True, symlink=False)
        if getattr(self, "generatemapper", None):
            stage_files(self.generatemapper, ignore_writable=self.inplace_update, symlink=False)
            relink_initialworkdir(self.generatemapper, self.outdir, home, inplace_update=self.inplace_update)
        variables = {**self.environment, "TMPDIR": self.tmpdir, "HOME": home, "PATH": os.environ["PATH"]}
        lines = ["umask 2"] + [f'export {name}="{value}"' for name, value in variables.items()]
        for _, volume in self.pathmapper.items():
            if volume.staged and volume.type in ("File", "Directory") and not volume.resolved.startswith("_:"):
                target = os.path.dirname(volume.target) if os.path.isdir(volume.resolved) else volume.target
                lines.append(f"cp -a {shlex.quote(volume.resolved)} {shlex.quote(target)}")
        command = f"mkdir -p {home} && cd {home} && {self._words(home)}; cp -r {home}/* {self.outdir}"
        status = self._start("; ".join([*lines, command]))
        try:
            outputs = self.collect_outputs(self.outdir, rcode=status)
        except Exception as error:  # noqa: BLE001 - whatever it is, the job has failed
            note(job=self.name, error=str(error))
            outputs, status = {}, 1
        self.output_callback(outputs, "permanentFail" if status else "success")

    def _words(self, home: str) -> str:
        words, quote = list(self.command_line), shlex.quote
        if self.get_requirement("ShellCommandRequirement")[0] or words[0] in ("/bin/sh", "/bin/bash"):
            words, quote = words[2:], str
        text = re.sub(r"/var/lib/cwl/.*?/", WORKSPACE + "/", " ".join(map(quote, words)))
        text = re.sub(r"/tmp/.*?/.*?/", WORKSPACE + "/", text)
        text += f" > {os.path.join(home, self.stdout)}" if self.stdout else ""
        return text + (f" 2> {os.path.join(self.outdir, self.stderr)}" if self.stderr else "")

    def _start(self, command: str) -> int:
        flags = {}
        for flag in ("voms_proxy", "rucio", "compute_backend"):
            flags[flag] = next((hint[flag] for hint in self.hints if flag in hint), None)
        variables = {"PATH": "/usr/bin:/bin", **VARIABLES}
        if flags["compute_backend"] in (None, "kubernetes"):
            for flag, given in SIDECARS.items():
                variables.update(given if flags[flag] else {})
        # A pod's command is one argument, and Linux takes none longer than this.
        assert len(command) < 131072, len(command)
        run = subprocess.run(
            ["bash", "-c", "/bin/sh -c " + shlex.quote(command)],
            cwd=IMAGE, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
        )  # fmt: skip
        image = self.get_requirement("DockerRequirement")[0]["dockerPull"]
        note(job=self.name, status=run.returncode, log=run.stdout + run.stderr, image=image, flags=flags)
        return run.returncode


class Tool(CommandLineTool):
    """A tool whose jobs are run as REANA's."""

    def make_job_runner(self, runtimeContext) -> type:  # noqa: N803 - cwltool's name
        if not self.get_requirement("DockerRequirement")[0]:
            image = {"class": "DockerRequirement", "dockerPull": runtimeContext.default_container}
            self.requirements.insert(0, image)
        return Job


class Engine(SingleJobExecutor):
    """Runs the jobs one after the other, all in one output directory of the container."""

    def run_jobs(self, process, job_order_object, logger, runtime_context) -> None:
        runtime_context.docker_outdir = runtime_context.outdir
        runtime_context.docker_tmpdir = runtime_context.tmpdir = runtime_context.get_tmpdir()
        runtime_context.docker_stagedir = os.path.join(WORKSPACE, "cwl/docker_stagedir")
        super().run_jobs(process, job_order_object, logger, runtime_context)


def make_tool(spec, loading_context):
    return (
        Tool(spec, loading_context)
        if spec.get("class") == "CommandLineTool"
        else default_make_tool(spec, loading_context)
    )


def note(**fields: object) -> None:
    with open(LOG, "a") as stream:
        stream.write(json.dumps(fields) + "\n")


def main() -> int:
    os.chdir(WORKSPACE)
    os.umask(0o002)
    for name in ("tmpdir", "outdir", "docker_stagedir"):
        Path("cwl", name).mkdir(parents=True, exist_ok=True)
    arguments = cwltool.main.arg_parser().parse_args(
        ["--tmpdir-prefix", f"{WORKSPACE}/cwl/tmpdir/", "--tmp-outdir-prefix", f"{WORKSPACE}/cwl/outdir/",
         "--default-container", "none", "--outdir", f"{WORKSPACE}/outputs", "workflow.json#main", "inputs.json"]
    )  # fmt: skip
    return cwltool.main.main(
        args=arguments,
        executor=Engine(),
        loadingContext=LoadingContext({"construct_tool_object": make_tool}),
        runtimeContext=RuntimeContext(vars(arguments)),
    )


if __name__ == "__main__":
    sys.exit(main())
