"""Laws of the Snakemake backend that hold for every input."""

from __future__ import annotations

import ast
import json
import re
import tempfile
from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st

from reana_rucio_compiler.backends.snakemake.snakefile import evaluated, read
from reana_rucio_compiler.backends.snakemake.values import Values
from reana_rucio_compiler.backends.snakemake.wildcards import bad_braces, matches, wildcards, without_constraints
from reana_rucio_compiler.compiler import compile_file
from reana_rucio_compiler.source import Source
from tests.properties.strategies import HOSTILE, HOSTILE_NAMES, quoted

ZOO = [path.read_text() for path in sorted((Path(__file__).parents[1] / "engines/snakemake_zoo").glob("*/Snakefile"))]


@given(st.data())
def test_no_text_makes_the_reader_crash(data: st.DataObject) -> None:
    """Any text, and a Snakefile with any piece replaced by any text, is read without an exception."""
    text = data.draw(st.sampled_from(ZOO))
    start = data.draw(st.integers(0, len(text)))
    piece = data.draw(
        st.text(max_size=20) | st.sampled_from(["(", '"""', "f'{", "\t", "\\", "rule x:\n", "\r", "\f", "é"])
    )
    text = text[:start] + piece + text[start + data.draw(st.integers(0, 20)) :]
    file = evaluated(read(Source("Snakefile", text)), Values({"a": ["b"]}, ()))
    for rule in file.rules:
        for directive in rule.directives.values():
            for item in directive.items:
                assert 0 <= item.span.start <= item.span.end <= len(text)


@given(st.sampled_from(ZOO), st.sampled_from(["\n", "\r\n"]), st.text("ab é#\"'", max_size=10))
def test_strings_are_found_at_their_place(text: str, newline: str, comment: str) -> None:
    """The span of a literal path holds that path, whatever stands in front of it."""
    assume("\n" not in comment)
    text = f"# {comment}\n{text}".replace("\r\n", "\n").replace("\n", newline)
    file = evaluated(read(Source("Snakefile", text)), Values({}, ()))
    for rule in file.rules:
        for item in rule.items("output"):
            if "{" not in item.span.text and item.span.text[:1] in "\"'":
                assert ast.literal_eval(item.span.text) == item.text


@given(HOSTILE_NAMES, HOSTILE.map(lambda text: re.sub(r"[{}\\~]", "", text)))
def test_a_hostile_did_is_data(name: str, path: str) -> None:
    """Name and path reach the stager as they are: no engine, shell or Python finds anything of its own in them."""
    path = "x" + path.replace("->", "")
    assume(not re.search(r"[\s:]", name) and "->" not in name and not set(path.split("/")) & {".", "..", ""})
    # In quotes, since a path such as `x<<` is told to be a mistyped arrow without them.
    entry = f"rucio(escape, user.jdoe, {quoted(name, chr(34))}) -> {quoted(path, chr(34))}"
    assume(path == path.strip() and "rucio(" not in path and not re.search(r"/\*(\.[\w.*]*)?$|,$", path))
    with tempfile.TemporaryDirectory() as directory:
        spec = Path(directory, "reana.yaml")
        files = {"files": ["Snakefile", entry]}
        spec.write_text(json.dumps({"inputs": files, "workflow": {"type": "snakemake", "file": "Snakefile"}}))
        Path(directory, "Snakefile").write_text(f"rule all:\n    input: {path!r}\n", encoding="utf-8")
        result = compile_file(spec)
    assert result.text is not None, [found.message for found in result.diagnostics]
    assert not [found for found in result.diagnostics if found.rule.code == "RR457"]
    generated = result.files["Snakefile.rucio"]
    assert generated.isascii()
    (rule,) = evaluated(read(Source("generated", generated)), Values({}, ())).rules
    assert [item.text for item in rule.items("output")] == [path]
    command = ast.literal_eval(rule.directives["shell"].body.text.strip()).format()
    manifest = json.loads(command.partition("<<'END_OF_MANIFEST'\n")[2].partition("\nEND_OF_MANIFEST\n")[0])
    (download,) = manifest["downloads"]
    assert (download["name"], download["path"]) == (name, path)


NAMES = st.sampled_from(["a", "b_2", "sample"])
PIECES = st.one_of(
    st.text("ab./_-", max_size=3),
    NAMES.map("{{{}}}".format),
    st.tuples(NAMES, st.sampled_from(["[a-z]+", r"\d{2}", ".+"])).map(lambda pair: "{" + ",".join(pair) + "}"),
)


@given(st.lists(PIECES, max_size=5).map("".join), st.sampled_from(["x", "12", "ab"]))
def test_a_pattern_stands_for_what_its_wildcards_make(pattern: str, value: str) -> None:
    """A pattern without constraints matches itself with a value for each wildcard, and has no bad braces."""
    assert bad_braces(pattern) == ""
    plain = without_constraints(pattern)
    assert wildcards(plain) == wildcards(pattern)
    assert matches(plain, plain.format(**dict.fromkeys(wildcards(plain), value)))
