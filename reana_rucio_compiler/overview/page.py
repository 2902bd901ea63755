"""An overview as one HTML file, which asks nothing of any network: the picture, tables, totals; light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from .drawing import draw
from .facts import Overview, landing, size, totals
from .text import printable, said

_STYLE = """\
:root { color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --text: #16202c; --quiet: #536274; --rule: #dde3ea;
  --in: #1d6fd1; --out: #12855a; --check: #8a5bd1; --own: #8592a3; --line: #9aa7b5; }
@media (prefers-color-scheme: dark) { :root { --page: #10151b; --card: #19212a; --text: #e6ecf3; --quiet: #9dabba;
  --rule: #2c3743; --in: #5aa5ff; --out: #40c58f; --check: #b993ff; --own: #748294; --line: #5d6b7a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); line-height: 1.5;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2rem 0 .6rem; }
p { margin: 0 0 1rem; color: var(--quiet); }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .75rem; margin: 1rem 0 0; }
dl div, .card { background: var(--card); border: 1px solid var(--rule); border-radius: .7rem; }
dl div { padding: .7rem .9rem; }
dt { color: var(--quiet); font-size: .8rem; }
dd { margin: .1rem 0 0; font-weight: 600; overflow-wrap: anywhere; }
.card { overflow-x: auto; }
.picture { padding: 1rem .5rem; }
svg { display: block; margin: 0 auto; height: auto; min-width: min(100%, 18rem); }
.wide { width: fit-content; min-width: 100%; max-width: calc(100vw - 2rem); position: relative; left: 50%;
  transform: translateX(-50%); }
.wide svg { max-width: none; }
.narrow svg { max-width: 100%; }
svg text { fill: var(--text); font-size: 12.5px; }
svg .name { font-size: 14px; font-weight: 650; }
svg .does, svg .size { fill: var(--quiet); }
svg .did { font-weight: 550; }
svg rect { fill: var(--card); stroke: var(--rule); stroke-width: 1.2; }
svg .mark { fill: var(--own); stroke: none; }
svg .stage-in .mark { fill: var(--in); }
svg .stage-out .mark { fill: var(--out); }
svg .stage-check .mark { fill: var(--check); }
svg .stage-in > rect:first-of-type { stroke: var(--in); }
svg .stage-out > rect:first-of-type { stroke: var(--out); }
svg .stage-check > rect:first-of-type { stroke: var(--check); }
svg .line { fill: none; stroke: var(--line); stroke-width: 1.6; }
svg .tip { fill: none; stroke: var(--line); stroke-width: 1.6; stroke-linecap: round; }
.key { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; padding: 0; margin: .6rem 0 0; list-style: none;
  font-size: .85rem; color: var(--quiet); }
.key li::before { content: ""; display: inline-block; width: .7rem; height: .7rem; border-radius: .2rem;
  margin-right: .4rem; background: var(--own); }
.key .stage-in::before { background: var(--in); }
.key .stage-out::before { background: var(--out); }
.key .stage-check::before { background: var(--check); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; padding: .8rem .9rem .2rem; font-weight: 650; }
th, td { text-align: left; vertical-align: top; padding: .45rem .9rem; border-top: 1px solid var(--rule); }
thead th { border-top: 0; color: var(--quiet); font-weight: 500; font-size: .8rem; }
tbody th { font-weight: 550; }
@media (max-width: 40rem) {
  thead { position: absolute; clip-path: inset(50%); }
  tr, th, td { display: block; border: 0; padding: 0; }
  tr { border-top: 1px solid var(--rule); padding: .6rem .9rem; }
  td::before { content: attr(data-label) " "; color: var(--quiet); }
}
"""

_KEY = (
    ("stage-check", "checks the outputs to come"),
    ("stage-in", "stages in, from Rucio"),
    ("own", "the workflow's own"),
    ("stage-out", "stages out, to Rucio"),
)


def render(overview: Overview) -> str:
    """The page."""
    kinds = {step.jobs[0].action if step.jobs else "own" for step in overview.steps}
    key = "".join(f'<li class="{kind}">{escape(text)}</li>' for kind, text in _KEY if kind in kinds)
    facts = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in totals(overview))
    title = escape(printable(f"{overview.source}: what moves"))
    engine = {"cwl": "CWL", "yadage": "Yadage", "snakemake": "Snakemake"}.get(overview.engine, overview.engine)
    wide = "wide" if _widest(overview) > 1 else "narrow"
    picture = f'<div class="card picture {wide}" tabindex="0">\n{draw(overview)}</div>\n<ul class="key">{key}</ul>'
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{_STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>The {engine} workflow with the steps that move its data, as reana-rucio compiles it.</p>
<dl>{facts}</dl>
<h2>The workflow</h2>
{picture if overview.steps else "<p>Nothing is moved.</p>"}
{_tables(overview)}</main>
</body>
</html>
"""


def _widest(overview: Overview) -> int:
    from .graph import layers

    return max((len(row) for row in layers(overview.steps).rows), default=0)


def _tables(overview: Overview) -> str:
    inputs = [
        (
            move.transfer.did,
            move.transfer.instance,
            landing(move),
            size(move),
            move.step,
            ", ".join(move.used_by) or "-",
        )
        for move in overview.inputs
    ]
    outputs = [
        (landing(move), move.transfer.instance, move.transfer.did, move.transfer.rse or "-", move.step)
        for move in overview.outputs
    ]
    steps = [(step.name, said(step), ", ".join(step.after) or "-") for step in overview.steps]
    return "".join([
        _table("Staged in", ("DID", "from", "to", "size", "by", "used by"), inputs),
        _table("Staged out", ("path", "to", "as", "at", "by"), outputs),
        _table("Steps", ("step", "runs", "after"), steps),
    ])  # fmt: skip


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rows = list(rows)
    if not rows:
        return ""
    titles = "".join(f'<th scope="col">{escape(each)}</th>' for each in head)
    body = "\n".join(
        f'<tr><th scope="row">{_breakable(row[0])}</th>'
        + "".join(f'<td data-label="{escape(name)}">{_breakable(cell)}</td>' for name, cell in zip(head[1:], row[1:]))
        + "</tr>"
        for row in rows
    )
    return (
        f'<h2>{escape(caption)}</h2>\n<div class="card"><table aria-label="{escape(caption)}">\n'
        f"<thead><tr>{titles}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>\n"
    )


def _breakable(text: str) -> str:
    """The text, which a browser may break behind punctuation."""
    return "".join(escape(char) + "<wbr>" * (char in "/_.:-") for char in printable(text))
