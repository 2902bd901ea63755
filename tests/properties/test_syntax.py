"""The two readers of expressions, a loop over the terminals and lark, agree on every text."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reana_rucio_compiler.syntax import Form, Misread, matched, parsed

PIECES = [
    "rucio(", "rucio (", "rucio", "(", ")", ",", ", ", "->", " -> ", "=", " ", "\n", "\u00a0", "'", '"', "''", "'a b'",
    '"a, b"', "'it''s'", '"->"', "'->'", "a", "escape", "user.jdoe", "a:b", "a=b", "k=", "k =", "rse=X", "_k9='x'",
    "\u00e9=x", "first=2", "a.b=c", "run-{run}", "*", "-", ">", "a->b", "data/x.root", "data/a b", "rucio(a, b, c)",
]  # fmt: skip
WORDS = st.sampled_from(
    ["a", "a:b", "k=v", "a.b=c", "'a, b'", '"its"', "'it''s'", "''", "a->b", "{run}", "rucio", "\u00e9"]
)
SPACES = st.sampled_from(["", "", " ", "\n  ", "\t", "\u00a0"])
PATHS = WORDS | st.sampled_from(["data/a b", "a - > b", "rucio", "rucio (x", "rucio(", "x)", "a,b", "-", ">", "->"])


@st.composite
def _almost(draw: st.DrawFn) -> str:
    """An expression, in which a piece may be missing, doubled or another one."""
    pieces = ["rucio", "(", draw(WORDS), ",", draw(WORDS)]
    if draw(st.booleans()):
        pieces += [",", draw(WORDS)]
    for _ in range(draw(st.integers(0, 2))):
        pieces += [",", draw(st.sampled_from(["k", "rse", "_", "K9"])), "=", draw(WORDS)]
    pieces += [")"]
    if draw(st.booleans()):
        pieces += ["->", draw(PATHS)]
    if draw(st.booleans()):
        pieces = [draw(PATHS), "->", *pieces]
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(pieces) - 1))
        pieces[at] = draw(st.sampled_from(["", pieces[at] * 2, *PIECES]))
    return "".join(draw(SPACES) + piece for piece in pieces) + draw(SPACES)


def _by_lark(text: str) -> Form | None:
    try:
        return parsed(text)
    except Misread:
        return None


@settings(max_examples=2000)
@given(_almost() | st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_an_expression_is_read_alike_with_and_without_lark(text: str) -> None:
    """What one of the two reads, the other reads, word for word; what is no expression is none to both."""
    assert matched(text) == _by_lark(text)
