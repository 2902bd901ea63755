"""What was found by fuzzing, or is known to be nasty, stays harmless; needs no fuzzer."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.fuzz import CORPUS, HARNESSES, run
from tests.fuzz.projects import packed

SIZE = 100_000
YAML: dict[str, bytes] = {
    "brackets": b"[" * SIZE, "braces": b"{" * SIZE, "dashes": b"- " * (SIZE // 2), "question marks": b"? " * (SIZE // 2),
    "flow pairs": b"{a: " * (SIZE // 4), "colons": b"a: " * (SIZE // 3), "indented": b"".join(b" " * n + b"a:\n" for n in range(400)),
    "bomb": b"a: &a [x, x]\n" + b"".join(b"%c: &%c [*%c, *%c, *%c, *%c]\n" % (n + 1, n + 1, n, n, n, n) for n in range(97, 120)),
    "anchors": b"".join(b"- &a%d x\n" % n for n in range(SIZE // 10)), "aliases": b"- &a x\n" + b"- *a\n" * (SIZE // 5),
    "merges": b"a: &a {x: 1}\n" + b"".join(b"k%d: {<<: *a}\n" % n for n in range(SIZE // 16)),
    "comments": b"# x\n" * (SIZE // 4), "one comment": b"#" * SIZE, "scalar": b"a: " + b"x" * SIZE, "words": b"x " * (SIZE // 2),
    "folded": b"a: >\n" + b"  x\n" * (SIZE // 4), "quotes": b"a: '" + b"''" * (SIZE // 2) + b"'", "open quote": b"a: '" + b"x\n" * (SIZE // 2),
    "escapes": b'a: "' + b"\\x41" * (SIZE // 4) + b'"', "number": b"a: " + b"9" * SIZE, "hexadecimal": b"a: 0x" + b"f" * SIZE,
    "exponent": b"a: 1e" + b"9" * SIZE, "sexagesimal": b"a: 1" + b":59" * (SIZE // 3), "underscores": b"a: 1" + b"_" * SIZE,
    "octal": b"a: 0" + b"7" * SIZE, "timestamp": b"a: 2001-01-01T" + b"0" * SIZE, "tag": b"a: !" + b"x" * SIZE, "tags": b"!a " * (SIZE // 3),
    "keys": b"".join(b"k%d: 1\n" % n for n in range(SIZE // 9)), "duplicate keys": b"k: 1\n" * (SIZE // 5), "list": b"- x\n" * (SIZE // 4),
    "CRLF": b"a: b\r\n" * (SIZE // 6), "CR": b"a: b\r" * (SIZE // 5), "BOM": b"\xef\xbb\xbfa: b\n", "BOMs": b"\xef\xbb\xbf" * (SIZE // 3),
    "UTF-16": "a: b\n".encode("utf-16"), "UTF-32": "a: b\n".encode("utf-32"), "surrogates": "a: \ud800".encode("utf-8", "surrogatepass"),
    "escaped surrogate": b'a: "\\ud800\\udc00 \\ud800"', "NEL": "a: b\x85c: d\n".encode() * 1000, "LS": "a: b\u2028c: d\n".encode() * 1000,
    "PS": "a: b\u2029c: d\n".encode() * 1000, "NUL": b"a: \0\n", "NULs": b"\0" * SIZE, "tabs": b"\t" * SIZE, "spaces": b" " * SIZE,
    "documents": b"---\n" * (SIZE // 4), "ends": b"...\n" * (SIZE // 4), "directives": b"%YAML 1.1\n" * (SIZE // 10), "newlines": b"\n" * SIZE,
    "expressions": b"inputs:\n  files:\n" + b"".join(b"  - rucio(a, b, c%d)\n" % n for n in range(SIZE // 22)),
    "one expression": b"inputs:\n  files:\n  - rucio(" + b"a, " * (SIZE // 3) + b")\n", "calls": b"inputs: {files: [" + b"rucio(" * (SIZE // 6),
    "arrows": b"inputs:\n  files:\n  - rucio(a, b, c)" + b" -> " * (SIZE // 4), "random": bytes(range(256)) * (SIZE // 256),
}  # fmt: skip
OF_TEXT = {"snakemake", "expression"}


@pytest.mark.parametrize(
    "harness",
    [
        name if name == "serial" else pytest.param(name, marks=pytest.mark.slow)
        for name in HARNESSES
        if name not in OF_TEXT
    ],
)
@pytest.mark.parametrize("case", YAML)
def test_nasty_yaml(harness: str, case: str) -> None:
    run(harness, YAML[case])


CHAIN = range(100)
VALUES: dict[str, bytes] = {
    "deep lists by aliases": b"\n".join(b"    k%d: &a%d %s%s%s" % (n, n, b"[" * 55, b"*a%d" % (n - 1) if n else b"x", b"]" * 55) for n in CHAIN),
    "deep mappings by aliases": b"\n".join(b"    k%d: &a%d %s%s%s" % (n, n, b"{a: " * 55, b"*a%d" % (n - 1) if n else b"x", b"}" * 55) for n in CHAIN),
    "bomb": b"    k: &a0 [x, x]\n" + b"\n".join(b"    k%d: &a%d [%s]" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 4)) for n in range(1, 30)),
    "bomb below the limit": b"    k: &a0 [x, x]\n" + b"\n".join(b"    k%d: &a%d [%s]" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 4)) for n in range(1, 8)),
    "merges in a chain": b"\n".join(b"    k%d: &a%d {%s}" % (n, n, b"<<: *a%d" % (n - 1) if n else b"x: y") for n in range(2000)),
    "merges of one": b"    k: &a {x: y}\n    l:\n" + b"".join(b"      - {<<: *a}\n" for _ in range(SIZE // 17)),
    "aliases": b"    k: &a x\n    l:\n" + b"      - *a\n" * (SIZE // 11), "anchors": b"    l:\n" + b"".join(b"      - &a%d x\n" % n for n in range(SIZE // 17)),
    "integers": b"    l: [" + b"1" * 200 + b", 0x" + b"f" * 190 + b", 0b" + b"1" * 190 + b", 1" + b":59" * 60 + b", " + b"1" * 4301 + b", 0x_]",
    "floats": b"    l: [1e999, .inf, -.inf, .nan, 0x1p5, 1.0e+999999, 1:59.5, 1_0.0_1, .5e-3]", "list": b"    l:\n" + b"      - x\n" * (SIZE // 10),
    "one line": b"    l: [" + b"x, " * (SIZE // 3) + b"]", "comments": b"    l: x # c\n" + b"    # c\n" * (SIZE // 8), "strings": b'    l: "' + b"\\x41" * (SIZE // 4) + b'"',
    "expressions": b"    l:\n" + b"".join(b"      - rucio(escape, user.jdoe, b%d)\n" % n for n in range(1000)), "words": b"    l: " + b"rucio( " * (SIZE // 7),
}  # fmt: skip
WORKFLOWS = {
    "serial": ("{steps: [{environment: a, commands: [ls]}]}", "", b""),
    "cwl": ("", "main.cwl", b"cwlVersion: v1.0\nclass: CommandLineTool\nbaseCommand: ls\ninputs: {events: File, l: Any}\noutputs: []\n"),
    "yadage": ("", "workflow.yaml", b"stages:\n- {name: a, dependencies: [init], scheduler: {scheduler_type: singlestep-stage, parameters: {events: {step: init, output: events}, "
               b"l: {step: init, output: l}}, step: {process: {process_type: string-interpolated-cmd, cmd: 'ls'}, publisher: {publisher_type: frompar-pub, outputmap: {}}, "
               b"environment: {environment_type: docker-encapsulated, image: a}}}}\n"),
    "snakemake": ("", "Snakefile", b"rule all:\n  input: 'data/a.root', config['l']\n"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        pytest.param(kind, case, marks=[] if len(VALUES[case]) < SIZE // 5 else pytest.mark.slow)
        for kind, case in itertools.product(WORKFLOWS, VALUES)
    ],
)
def test_nasty_values(kind: str, case: str) -> None:
    """In a specification that is right for the rest, so that they reach the engine."""
    steps, name, workflow = WORKFLOWS[kind]
    events = "{class: File, path: data/a.root}" if kind == "cwl" else "data/a.root"
    what = f"file: {name}" if name else f"specification: {steps}"
    spec = f"workflow: {{type: {kind}, {what}}}\ninputs:\n  files: ['rucio(escape, user.jdoe, a.root) -> data/a.root']\n  parameters:\n    events: {events}\n"
    files = {"reana.yaml": spec.encode() + VALUES[case] + b"\n", **({name: workflow} if name else {})}
    run("serial" if not name else kind, packed(files, name or "reana.yaml"))


SNAKEFILES = {
    "brackets": b"(" * SIZE, "strings": b"'" * SIZE, "triple": b'"""' * (SIZE // 3), "rules": b"rule a:\n  input: 'x'\n" * (SIZE // 22),
    "f-strings": b"f'{" * (SIZE // 3), "indented": b"".join(b" " * n + b"if 1:\n" for n in range(300)), "lines": b"\\\n" * (SIZE // 2),
    "lambdas": b"rule a:\n  input: " + b"lambda w: " * (SIZE // 10), "sums": b"x = 1" + b"+1" * (SIZE // 2), "power": b"x = 9**9**9**9",
    "repeated": b"x = ['a'] * 10**12\nrule a:\n  input: x\n", "text repeated": b"x = 'a' * 10**12\nrule a:\n  input: x\n",
    "expand": b"rule a:\n  input: expand('{a}{b}{c}{d}{e}', a=range(10**4), b=range(10**4), c=range(10**4), d=[1], e=[1])\n",
    "range": b"x = [str(i) for i in range(10**12)]\nrule a:\n  input: x\n", "format": b"rule a:\n  input: '{0:>1000000000000}'.format('x')\n",
    "include": b"include: 'Snakefile'\n", "unary": b"x = " + b"-" * SIZE + b"1", "not": b"x = " + b"not " * (SIZE // 4) + b"1",
    "attributes": b"x = a" + b".a" * (SIZE // 2), "calls": b"x = a" + b"()" * (SIZE // 2), "subscripts": b"x = a" + b"[0]" * (SIZE // 3),
    "concatenated": b"rule a:\n  input: " + b"'a' " * (SIZE // 4), "joined": b"rule a:\n  input: " + b"'a', " * (SIZE // 5),
    "NUL": b"\0", "latin": b"\xff\xfe", "form feeds": b"\f" * SIZE, "tabs": b"\t" * SIZE, "CR": b"\r" * SIZE,
}  # fmt: skip


@pytest.mark.parametrize("case", SNAKEFILES)
def test_nasty_snakefiles(case: str) -> None:
    run("snakemake", SNAKEFILES[case])


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_once(path: Path) -> None:
    run(path.parent.name, path.read_bytes())


@pytest.mark.parametrize("repeat", [lambda n: "rucio(" * n, lambda n: "'" * n, lambda n: "a" * n, lambda n: "-" * n, lambda n: " " * n,
                                    lambda n: "rucio(a, b, c" + ", k=v" * n, lambda n: "->" * n])  # fmt: skip
def test_long_expressions(repeat: Callable[[int], str]) -> None:
    run("expression", repeat(2000).encode())
