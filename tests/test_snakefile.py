"""What can be seen of a Snakefile without executing it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from reana_rucio_compiler.backends.snakemake.related import Related
from reana_rucio_compiler.backends.snakemake.snakefile import Snakefile, evaluated, read
from reana_rucio_compiler.backends.snakemake.values import Values
from reana_rucio_compiler.compiler import compile_file
from reana_rucio_compiler.source import Source

CONFIG = {"data": "data/a.root", "dir": "out", "files": ["a", "b"], "deep": {"er": {"path": "p/q"}}, "number": 3}


def _see(text: str) -> Snakefile:
    file = read(Source("Snakefile", text))
    return evaluated(file, Values(CONFIG, [file.code] if file.code else []))


@pytest.mark.parametrize(
    ("expression", "strings"),
    [
        ('"a.root"', ["a.root"]),
        ('"a" ".root"', ["a.root"]),
        ('"a" + ".root", "b"', ["a.root", "b"]),
        ('["a", ["b", "c"]], *["d"]', ["a", "b", "c", "d"]),
        ('x="a", y=["b"]', ["a", "b"]),
        ('config["data"]', ["data/a.root"]),
        ('config["deep"]["er"]["path"], config.get("data"), config.get("none", "z")', ["p/q", "data/a.root", "z"]),
        ('config["files"]', ["a", "b"]),
        ("f\"{config['dir']}/{{sample}}_{config['number']}.txt\"", ["out/{sample}_3.txt"]),
        ('expand("{{a}}/{s}.root", s=NAMES)', ["{a}/{s}.root"]),
        ('expand(["{s}.x", "{s}.y"], s=range(3))', ["{s}.x", "{s}.y"]),
        ('collect("{s}.x", s=range(3)), multiext("a.", "root", "db")', ["{s}.x", "a.root", "a.db"]),
        ('"a b.txt".replace(" ", "").strip(), "a.b".split(".")[0]', ["ab.txt", "a"]),
        ('ancient("a"), temp("b"), directory("c")', ["a", "b", "c"]),
        ('os.path.join(config["dir"], "a"), Path("b") / "c"', ["out/a", "b/c"]),
        ("NAMES, WHERE", ["one", "two", "out/where"]),
        ("", []),
    ],
)
def test_values_are_worked_out(expression: str, strings: list[str]) -> None:
    text = (
        f'NAMES = ["one", "two"]\nWHERE = config["dir"] + "/where"\nrule x:\n    input: {expression}\n    shell: "x"\n'
    )
    (rule,) = _see(text).rules
    assert [item.text for item in rule.items("input")] == strings
    assert rule.knows("input")


@pytest.mark.parametrize(
    "expression",
    [
        "lambda wildcards: 'a'", "wanted", "TWICE", "LOOP", "LOCAL", "config['none']", "rules.a.output", "f'{x!r}'",
        "'a'.split('')", "'a'.replace('b')", "'a'.format('b')", "['a' for _ in range(3)]", "SELF", "wanted('a')", "'a' * 100", "config[wanted]", "'a' if x else 'b'",
    ],
)  # fmt: skip
def test_other_values_are_unknown(expression: str) -> None:
    text = (
        "TWICE = 'a'\nTWICE = 'b'\nSELF = [SELF]\nfor LOOP in 'ab':\n    pass\ndef wanted(x):\n    LOCAL = 'a'\n"
        f"rule x:\n    input: 'known', {expression}\n"
    )
    (rule,) = _see(text).rules
    assert [item.text for item in rule.items("input")] == ["known"]
    assert not rule.knows("input")


def test_constants_cannot_grow_without_bound() -> None:
    """A chain of constants, each twice the one before, is given up, and each is worked out once."""
    chain = "".join(f"A{number} = A{number - 1} + A{number - 1}\n" for number in range(1, 200))
    nested = "".join(f"B{number} = f'{{B{number - 1}}}{{B{number - 1}}}'\n" for number in range(1, 200))
    (rule,) = _see(f"A0 = 'a'\n{chain}B0 = 'b'\n{nested}rule x:\n    input: A199, B199, A3\n").rules
    assert [item.text for item in rule.items("input")] == ["a" * 8]


def test_rules_in_every_form_are_seen() -> None:
    """Named or not, in conditions, on one line, by `use`, with comments and strings that look like rules."""
    text = '''\
# rule comment: no
TEXT = """
rule string:
    input: "no"
"""
rule: input: "on one line"
if True:
    rule   b  :
        "A description."
        # rule inner: no
        input:
            "b1",  # a comment
            "b2"
        output: "b3"
else:
    checkpoint c:
        output: directory("c")
use rule b as d with:
    output: "d"
use rule * from m as m_*
module m:
    snakefile: "m.smk"
include: "e.smk"
def rule(x):
    return x
rule = rule("not one")
'''
    file = _see(text)
    seen = [(rule.kind, rule.name, [item.text for item in rule.items("input")]) for rule in file.rules]
    assert seen == [
        ("rule", "", []), ("rule", "b", ["b1", "b2"]), ("checkpoint", "c", []), ("use", "d", []), ("use", "m_", []),
    ]  # fmt: skip
    assert [rule.whole for rule in file.rules] == [False, True, True, False, False]
    assert [item.text for item in file.rules[3].items("output")] == ["d"]
    assert [item.directory for item in file.rules[2].items("output")] == [True]
    assert [section.items[0].text for section in file.section("include")] == ["e.smk"]
    assert [section.items[0].text for section in file.modules] == ["m.smk"]
    assert file.code is not None


def test_what_python_cannot_read_ends_the_file() -> None:
    """Rules before an error are still seen; the error is for Snakemake to report."""
    file = _see('rule a:\n    input: "x"\n\nrule b:\n    input: "y" "\n    output: (\n')
    assert "a" in [rule.name for rule in file.rules]


@pytest.mark.parametrize(
    ("path", "related"),
    [
        ("d/a", ["d", "d/a", "./d/a", "d/a/b", "d/{x}", "*.root"]),
        ("d", ["d", "d/a", "./d/a", "d/a/b", "d/{x}", "*.root"]),
        ("e", ["d/{x}", "*.root"]),
        ("{y}/a", ["d", "d/a", "./d/a", "d/a/b", "da", "d/{x}", "*.root"]),
    ],
)
def test_related_paths(path: str, related: list[str]) -> None:
    """The path itself, what it is in and what is in it, and every pattern; no other."""
    paths = ["d", "d/a", "./d/a", "d/a/b", "da", "d/{x}", "*.root"]
    assert Related((each, each) for each in paths).to(path) == related


def _calls(run: Callable[[], object]) -> int:
    """How many functions of this package are called."""
    count = 0

    def see(frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call" and "reana_rucio_compiler" in frame.f_code.co_filename  # type: ignore[attr-defined]

    sys.setprofile(see)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def test_the_cost_grows_with_the_rules_and_not_with_their_square(tmp_path: Path) -> None:
    """Four times the inputs and the rules take at most five times the calls."""
    counts = []
    for number in (40, 160):
        wanted = ", ".join(f'"out/{n}.txt"' for n in range(number))
        rules = "".join(
            f'rule fit_{n}:\n    input: "data/{n}.root"\n    output: "out/{n}.txt"\n    shell: "fit data/{n}.root {{output}}"\n'
            for n in range(number)
        )
        (tmp_path / "Snakefile").write_text(f"rule all:\n    input: {wanted}\n{rules}")
        files = "".join(f"    - rucio(escape, user.jdoe, {n}.root) -> data/{n}.root\n" for n in range(number))
        spec = tmp_path / "reana.yaml"
        spec.write_text(f"inputs:\n  files:\n{files}workflow:\n  type: snakemake\n  file: Snakefile\n")
        assert compile_file(spec).text
        counts.append(_calls(partial(compile_file, spec)))
    assert counts[1] < 5 * counts[0]
