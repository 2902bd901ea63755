"""Coverage-guided fuzzing of whatever reads a text that others wrote.

    python -m tests.fuzz.fuzz HARNESS -max_total_time=60 [libFuzzer's options] [CORPUS...]

needs atheris (`tox -e fuzz`). A harness takes any bytes: it raises where we crash, say something that has no place, write
what nobody can read or what compiles to something else, or take longer than 2 s for 100 KB. Those of the four engines take
whole projects (projects.py), which are changed at the nodes of their YAML (mutation.py). What was found once stays in
`corpus/HARNESS/`, which test_corpus.py runs without atheris. With `by-commit` for a name the commit selects the harness.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import random
import re
import string
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import yaml as pyyaml

from tests.fuzz.mutation import LOADER, Material, changed
from tests.fuzz.projects import cases, packed, unpacked
from tests.sampling import current_commit

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).with_name("corpus")
WORDS = Path(__file__).with_name("words.dict")
# Several times what anything of linear growth takes (a list of 100 KB on one line: 3 s, read thrice by ruamel), and
# far below what quadratic growth does.
SECONDS_PER_BYTE = 10 / 100_000
LEAST_SECONDS = 2
YAMLS = (".yaml", ".yml", ".cwl")

SPEC = """\
inputs:
  files: [FILE]
  directories:
    - rucio(escape, user.jdoe, run2022.aod) -> data/run2022
workflow: {type: TYPE, file: FILE}
outputs:
  files:
    - results/out.txt -> rucio(escape, user.jdoe, out-{run}, rse=CERN)
"""


@contextlib.contextmanager
def project() -> Iterator[Path]:
    """An empty directory, which is the current one meanwhile."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        try:
            yield Path(directory)
        finally:
            os.chdir(here)


def compiled(files: Mapping[str, bytes]) -> None:
    """Compile a project, and judge what comes of it."""
    from reana_rucio_compiler.compiler import compile_file
    from reana_rucio_compiler.diagnostics import Severity
    from reana_rucio_compiler.overview import mermaid
    from reana_rucio_compiler.overview.facts import gather
    from reana_rucio_compiler.render import text

    with project() as directory:
        for name, content in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        result = compile_file(Path("reana.yaml"))
        failed = any(found.severity is Severity.ERROR for found in result.diagnostics)
        assert (result.text is None) == failed, result.diagnostics
        for found in result.diagnostics:
            assert 0 <= found.span.start <= found.span.end <= len(found.span.source.text), found
        text.render(result.diagnostics).encode("utf-8", "surrogateescape")
        if result.text is not None:
            for name, content in result.files.items():
                (directory / name).write_bytes(content.encode())
            Path("again.yaml").write_bytes(result.text.encode())
            assert result.text == files["reana.yaml"].decode() or compile_file(Path("again.yaml")).text == result.text
            sources = [content.decode("utf-8", "replace") for name, content in files.items() if name.endswith(YAMLS)]
            outputs = [result.text, *(content for name, content in result.files.items() if name.endswith(YAMLS))]
            assert all(map(_is_yaml, outputs)) or not all(map(_is_yaml, sources)), outputs
        if result.plan:
            mermaid.render(gather(result, "reana.yaml"))


def _is_yaml(text: str) -> bool:
    """Whether REANA's own reader takes it, which knows another YAML than ours."""
    try:
        pyyaml.compose(text, LOADER)
    except (pyyaml.YAMLError, RecursionError):
        return False
    return True


def _workflow(kind: str, name: str) -> Callable[[bytes], None]:
    spec = SPEC.replace("TYPE", kind).replace("FILE", name).encode()
    return lambda data: compiled({"reana.yaml": spec, **unpacked(data, name)})


def expression(data: bytes) -> None:
    from reana_rucio_compiler.syntax import Misread, matched, parsed

    text = data.decode("utf-8", "replace")
    try:
        found = parsed(text)
    except Misread as wrong:
        assert 0 <= wrong.at <= len(text)
        found = None
    assert matched(text) == found


def yaml(data: bytes) -> None:
    from reana_rucio_compiler import documents
    from reana_rucio_compiler.diagnostics import Report

    report = Report()
    document = documents.decode(data, "x.yaml", report)
    assert (document is None) == bool(report.diagnostics) or report.diagnostics
    if document:
        for _, node in documents.walk(document.root):
            assert 0 <= node.start <= node.end <= len(document.source.text)
        _ = document.root.data


def serial(data: bytes) -> None:
    compiled({"reana.yaml": b"", **unpacked(data, "reana.yaml")})


LOCKED = b"inputs:\n  files: ['rucio(escape, user.jdoe, a.root)']\nworkflow: {type: serial, specification: {steps: [{environment: a, commands: [ls]}]}}\n"


def lock(data: bytes) -> None:
    compiled({"reana.yaml": LOCKED, "reana.rucio-lock.json": data})


def instances(data: bytes) -> None:
    from reana_rucio_compiler.compiler import compile_bytes

    with project() as directory:
        (directory / "instances.yaml").write_bytes(data)
        compile_bytes(LOCKED, "reana.yaml", instances=[directory / "instances.yaml"])


def manifest(data: bytes) -> None:
    """The stager's: what it loads is what FIELDS describes, all else is refused with exit 2."""
    from reana_rucio_compiler import stager

    os.environ["RUCIO_STAGE_RUN"] = "11111111-2222-4333-8444-555555555555"  # what {run} stands for
    with project() as directory:
        (directory / "manifest").write_bytes(data)
        try:
            found = stager.load("manifest")
        except stager.Error as error:
            assert error.code == stager.USAGE
            return
        for entry in found["downloads"] + found["uploads"]:
            target = os.path.normpath(os.path.join("/workspace", entry["path"]))
            assert target.startswith("/workspace/"), entry
            entry["path"].encode()


MAIN = {"serial": "reana.yaml", "cwl": "main.cwl", "yadage": "workflow.yaml", "snakemake": "Snakefile"}
HARNESSES: dict[str, Callable[[bytes], None]] = {
    "expression": expression, "yaml": yaml, "serial": serial, "cwl": _workflow("cwl", "main.cwl"),
    "yadage": _workflow("yadage", "workflow.yaml"), "snakemake": _workflow("snakemake", "Snakefile"),
    "lock": lock, "instances": instances, "manifest": manifest,
}  # fmt: skip


def run(harness: str, data: bytes) -> None:
    """One input, with its limit of time."""
    started = time.process_time()
    HARNESSES[harness](data)
    took = time.process_time() - started
    limit = LEAST_SECONDS + SECONDS_PER_BYTE * len(data) * float(os.environ.get("REANA_RUCIO_FUZZ_SLOWER", "1"))
    assert took < limit or took < limit * _slowness(), took


def _slowness() -> float:
    """How many times as long as on the machine of the limits it takes ruamel, here and now, to read a list of 10 KB."""
    from ruamel.yaml import YAML

    started = time.process_time()
    assert sum(1 for _ in YAML(typ="safe", pure=True).parse("- x\n" * 2500)) == 2506
    return (time.process_time() - started) / 0.05


def main() -> None:
    try:
        import atheris
    except ImportError:
        if os.environ.get("REANA_RUCIO_TESTS_REQUIRE_ALL"):
            raise
        print(f"atheris is not installed for Python {sys.version.split()[0]}: nothing is fuzzed")
        return
    harness = sys.argv.pop(1)
    if harness == "by-commit":
        harness = list(HARNESSES)[int(current_commit() or "0", 16) % len(HARNESSES)]
        print(f"the harness of this commit: {harness}", flush=True)
    with atheris.instrument_imports(include=["reana_rucio_compiler"]):
        for name in ("stager", "locks", "instances", *(f"backends.{kind}" for kind in MAIN)):
            importlib.import_module(f"reana_rucio_compiler.{name}")
    found = list(seeds(harness))
    for data in found:
        run(harness, data)  # what is imported lazily is no slow input
    os.environ.setdefault("REANA_RUCIO_FUZZ_SLOWER", "20")  # instrumented code
    with tempfile.TemporaryDirectory() as directory:
        for number, data in enumerate(found):
            Path(directory, f"{number:04}").write_bytes(data)
        # The last directory is only read; what is new goes to the first, if the user names one.
        words = [] if any(each.startswith("-dict=") for each in sys.argv) else [f"-dict={WORDS}"]
        options = {"custom_mutator": mutator(harness)} if harness in MAIN else {}
        atheris.Setup([*sys.argv, *words, directory], functools.partial(run, harness), **options)
        atheris.Fuzz()


def mutator(harness: str) -> Callable[[bytes, int, int], bytes]:
    """libFuzzer's hook for those harnesses that take projects: see mutation.py."""
    import atheris

    first = MAIN[harness]
    material = Material([*cases(harness), *(unpacked(data, first) for data in seeds(harness))])

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        files = changed(
            unpacked(data, first), random.Random(seed), material, lambda each: atheris.Mutate(each, len(each) + 40)
        )
        result = packed(files, first)
        return result if len(result) <= size else data

    return mutate


def seeds(harness: str) -> Iterator[bytes]:
    """What to begin with: our corpus, and the golden cases of the same kind."""
    patterns = {"snakemake": "engines/snakemake_zoo/*/Snakefile", "yaml": "golden/errors/RR00*/reana.yaml", "lock": "golden/**/*lock.json",
                "instances": "golden/errors/RR206*/reana.yaml"}  # fmt: skip
    for path in sorted([*(CORPUS / harness).glob("*"), *(ROOT / "tests").glob(patterns.get(harness, "none"))]):
        if path.is_file():
            yield path.read_bytes()
    for path in (ROOT / "tests/golden/serial").glob("*/expected/reana.out.yaml") if harness == "manifest" else ():
        for found in re.findall(r"'END_OF_MANIFEST'\n(.*?)END_OF_MANIFEST", path.read_text(), re.DOTALL):
            yield string.Template(found).safe_substitute().encode()
    for files in cases(harness) if harness in MAIN else ():
        yield packed(files, MAIN[harness])


if __name__ == "__main__":
    main()
