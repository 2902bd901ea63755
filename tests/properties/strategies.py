"""What Hypothesis draws: words, expressions, specifications in many layouts."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hypothesis import strategies as st

BARE = "abcXYZ019._-/#+*:@%"
SCOPES = st.text("abcXYZ019._-", min_size=1, max_size=8).filter(lambda text: text not in (".", ".."))
NAMES = (
    st.text("abcXYZ019._-#+@%/", min_size=1, max_size=20)
    .map(lambda text: text.strip("/"))
    .filter(lambda text: text.strip("./") and not {".", "..", ""} & set(text.split("/")))
)
# What a shell, Python, YAML, CWL, str.format, string.Template or JavaScript could take for its own.
HOSTILE = st.text("ab\"'`$(){}[]<>|&;\\!*?~%#@^=,-é✓", min_size=1, max_size=25)
HOSTILE_NAMES = HOSTILE.map(lambda text: text.replace("*", "").replace("{", "").replace("}", "")).filter(
    lambda text: text.strip(".")
)


def quoted(text: str, quote: str) -> str:
    """The text as a quoted word of the language."""
    return quote + text.replace(quote, quote * 2) + quote


@dataclass(frozen=True)
class Wanted:
    """An input as it was meant: what the parser must find again."""

    scope: str
    name: str
    path: str | None
    expression: str


@st.composite
def inputs(draw: st.DrawFn, names: st.SearchStrategy[str] = NAMES) -> Wanted:
    """An expression for a file, written in one of the ways in which it can be."""
    scope, name = draw(SCOPES), draw(names)
    path = draw(st.none() | NAMES.filter(lambda path: not path.startswith("~")))
    space = draw(st.sampled_from(["", " ", "  "]))
    plain = all(char in BARE for char in name) and ":" not in name
    quote = draw(st.sampled_from(["'", '"'] + ([""] if plain else [])))
    word = quoted(name, quote) if quote else name
    did = draw(st.sampled_from([f"{scope},{space}{word}"] + ([f"{scope}:{name}"] if plain else [])))
    call = f"rucio({space}escape{space},{space}{did}{space})"
    return Wanted(scope, name, path, call if path is None else f"{call}{space}->{space}{path}")


def yaml_scalar(draw: st.DrawFn, text: str) -> str:
    """A string as a YAML scalar in one of the styles that can hold it."""
    single, double = "'" + text.replace("'", "''") + "'", json.dumps(text, ensure_ascii=draw(st.booleans()))
    return draw(st.sampled_from([single, double]))


def _apart(wanted: list[Wanted]) -> list[Wanted]:
    """Those of which none is at the path of an earlier one, in it, or around it."""
    kept: list[Wanted] = []
    for each in wanted:
        path = (each.path or each.name) + "/"
        others = [(other.path or other.name) + "/" for other in kept]
        if not any(path.startswith(other) or other.startswith(path) for other in [*others, "plain/"]):
            kept.append(each)
    return kept


COMMENTS = st.sampled_from(["", "", "   # a comment", " # 'quoted' \"too\""])


@st.composite
def specifications(draw: st.DrawFn, names: st.SearchStrategy[str] = NAMES) -> tuple[str, list[Wanted], list[str]]:
    """A serial specification in some layout, its inputs that are expressions, and its plain inputs."""
    wanted = _apart(draw(st.lists(inputs(names), max_size=4)))
    plain = [f"plain/{number}.C" for number in range(draw(st.integers(0, 3)))]
    entries = [yaml_scalar(draw, each.expression) for each in wanted] + plain
    entries = draw(st.permutations(entries))
    indent = draw(st.sampled_from(["", "  ", "    "]))
    if draw(st.booleans()) and entries:
        files = (
            "  files:" + draw(COMMENTS) + "\n" + "".join(f"  {indent}- {each}{draw(COMMENTS)}\n" for each in entries)
        )
    else:
        files = f"  files: [{', '.join(entries)}]{draw(COMMENTS)}\n"
    step = f"    {indent}- environment: a:1\n    {indent}  commands:\n    {indent}  - ls  # x\n"
    blank = draw(st.sampled_from(["", "\n", "# between\n"]))
    parts = [
        f"inputs:\n{files}",
        f"workflow:\n  type: serial\n  specification:\n    steps:{draw(COMMENTS)}\n{blank}{step}{blank}{step}",
        "version: 0.9.0\n",
    ]
    text = blank.join(draw(st.permutations(parts)))
    if draw(st.booleans()):
        text = text.rstrip("\n")
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return text, wanted, plain
