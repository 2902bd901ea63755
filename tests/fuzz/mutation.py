"""Changes of a project that keep it readable: nodes of YAML exchanged, keys misspelt, lines moved, layouts changed.

Bytes changed at random hardly ever get past a YAML reader. What is done here changes the text of one file at the places
of its nodes, so that comments and layout stay, with pieces of all seeds as material.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable
from typing import Any

import yaml

from .projects import Files

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

EXPRESSIONS = [
    "rucio(escape, user.jdoe, a.root)", "rucio(escape, user.jdoe, a.root) -> data/a.root", "rucio(atlas, s:ds) -> d/",
    "rucio(escape, user.jdoe, run*) -> runs", "rucio(escape, user.jdoe, ds, first=2) -> ds/{name}", "rucio(x",
    "results/p.png -> rucio(escape, user.jdoe, p-{run}, rse=CERN)", "out -> rucio(escape, user.jdoe, o-{run}, rse=CERN, output=p)",
    "rucio(escape, user.jdoe, a.root) -> data", "rucio(escape, user.jdoe, ${x})", "x -> rucio(cms, s, n, rse=A, dataset=d, lifetime=3d)",
]  # fmt: skip
PLAIN = [
    "", "~", "null", "true", "no", "0", "1", "-1", "3.5", ".inf", ".nan", "0x_", "0b1", "1:59", "017", "9" * 400, "1" + "0" * 4400, "2001-01-01", "<<", "=", "x", "a.root",
    "data/a.root", "data", "d/", "results/p.png", "init", "[]", "{}", "[[]]", "[~]", "[x, y]", "{x: y}", "{a: [b]}", "[{a: b}]", '""', '"\\0"', '"a\\0/b"', '"\\ud800"',
    '"\\x85"', '"a\\nb"', "'a'", "'*'", "'**'", "'../x'", "'/x'", "'~'", "'${x}'", "'$(x)'", "'{x}'", "'{}'", "'#'", "'a#b'", "'a#/b/0'", "'a b'", "x" * 300, "'" + "x/" * 200 + "'",
    "!!str 1", "!!int '1'", "!x y", "! a", "&q x", "*q", "*x", "|\n   x", ">-\n   x", "|2+\n     x\n", "File", "Directory", "'File[]'", "'File?'", "{$ref: 'steps.yaml#/a'}",
    "{$ref: '#/stages/0'}", "{step: init, output: events}", "{stages: '*', output: x, unwrap: true}", "{step: [a], output: 0}", "{class: File, location: a.root}", "{$import: x.cwl}",
    "serial", "cwl", "yadage", "snakemake", "kubernetes", "htcondorcern", "singlestep-stage", "multistep-stage", "jq-stage", "jsonpath_ready", "v1.0", "v1.2", "é", "\u2028", "\ufeff",
]  # fmt: skip
LINES = ["# x", "#", "", "   ", "\t", "---", "...", "%YAML 1.1", "%TAG ! tag:x,2000:", "? a\n: b", "? [a]\n: b", "<<: *q", "<<: {a: b}", "<<: [*q, {a: b}]", "- x", "x: y", "x:", ": x", "? x",
         "# rucio: ignore[RR210]", "x: &q {a: b}", "x: &q [a]", "- &q x", "rule x:", "    input: 'a.root'", "    shell: 'ls {input}'", "include: 'x.smk'", "configfile: 'c.yaml'"]  # fmt: skip
BREAKS = ["\r\n", "\r", "\x85", "\u2028", "\u2029", "\n\n", " \n", " # c\n", "\n\t"]

Change = Callable[[random.Random, str, "Material"], str]


class Material:
    """What the seeds are made of: the texts of nodes, and the names of keys."""

    def __init__(self, seeds: Iterable[Files]) -> None:
        self.files = [dict(each) for each in seeds]
        self.values: list[str] = []
        self.lines = list(LINES)
        self.keys: list[str] = ["x", "<<", "$ref", "$graph", "class", "id"]
        for content in (content for files in self.files for content in files.values()):
            text = content.decode("utf-8", "replace")
            self.lines += text.splitlines()
            for node, key in _nodes(text):
                if key is not None and key.value not in self.keys:
                    self.keys.append(key.value)
                self.values.append(_flow(node))
        self.values = list(dict.fromkeys(value for value in self.values if len(value) < 400))


def _nodes(text: str) -> list[tuple[Any, Any]]:
    """Every node of a YAML text with its key in a mapping; none where it is no YAML."""
    try:
        root = yaml.compose(text, LOADER)
    except (yaml.YAMLError, RecursionError, ValueError):
        return []
    found: list[tuple[Any, Any]] = []
    todo = [(root, None)] if root else []
    seen: set[int] = set()
    while todo:
        node, key = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        found.append((node, key))
        if isinstance(node, yaml.SequenceNode):
            todo += [(each, None) for each in node.value]
        elif isinstance(node, yaml.MappingNode):
            todo += [(value, name) for name, value in node.value if isinstance(name, yaml.ScalarNode)]
    return found


def _flow(node: Any) -> str:
    """A node on one line, as its own text where that is one, else as JSON has it; one that is too large is empty."""
    if isinstance(node, yaml.ScalarNode):
        return node.value if node.style is None and "\n" not in node.value else json.dumps(node.value)
    if isinstance(node, yaml.SequenceNode):
        return "[" + ", ".join(map(_flow, node.value)) + "]" if _size(node, {}) < MOST_NODES else "[]"
    pairs = (f"{_flow(key)}: {_flow(value)}" for key, value in node.value)
    return "{" + ", ".join(pairs) + "}" if _size(node, {}) < MOST_NODES else "{}"


MOST_NODES = 100


def _size(node: Any, known: dict[int, int]) -> int:
    """The number of nodes with all aliases written out."""
    if id(node) not in known:
        known[id(node)] = MOST_NODES  # for who holds itself
        inside = [each for pair in node.value for each in pair] if isinstance(node, yaml.MappingNode) else node.value
        below = 0 if isinstance(node, yaml.ScalarNode) else sum(_size(each, known) for each in inside)
        known[id(node)] = 1 + below
    return known[id(node)]


def _span(text: str, node: Any) -> tuple[int, int]:
    """Where a node stands, without the space up to the next token that the marks of a block collection include."""
    start, end = node.start_mark.index, node.end_mark.index
    return start, start + len(text[start:end].rstrip())


def _lines(text: str, start: int, end: int) -> tuple[int, int]:
    """The whole lines around a span."""
    behind = text.find("\n", max(end - 1, start))
    return text.rfind("\n", 0, start) + 1, len(text) if behind < 0 else behind + 1


def _pick(chance: random.Random, text: str, wanted: Callable[[Any, Any], bool] = lambda node, key: True) -> Any:
    return chance.choice([pair for pair in _nodes(text) if wanted(*pair)] or [(None, None)])


def _value(chance: random.Random, material: Material) -> str:
    values = chance.choice([PLAIN, PLAIN, EXPRESSIONS, material.values or PLAIN])
    return chance.choice(values)


def replace_value(chance: random.Random, text: str, material: Material) -> str:
    node, _ = _pick(chance, text)
    if node is None:
        return text
    start, end = _span(text, node)
    return text[:start] + _value(chance, material) + text[end:]


def replace_key(chance: random.Random, text: str, material: Material) -> str:
    _, key = _pick(chance, text, lambda _, key: key is not None)
    if key is None:
        return text
    start, end = _span(text, key)
    name = key.value
    at = chance.randrange(len(name) + 1)
    misspelt = chance.choice(
        [
            name[:at] + name[at + 1 :],
            name.upper(),
            name + "s",
            f'"{name}"',
            f"&q {name}",
            f"!!str {name}",
            f"? {name}\n",
        ]
    )
    return text[:start] + chance.choice([misspelt, chance.choice(material.keys)]) + text[end:]


def drop(chance: random.Random, text: str, material: Material) -> str:
    node, key = _pick(chance, text)
    if node is None:
        return text
    start, end = _lines(text, _span(text, key or node)[0], _span(text, node)[1])
    return text[:start] + text[end:]


def double(chance: random.Random, text: str, material: Material) -> str:
    node, key = _pick(chance, text)
    if node is None:
        return text
    start, end = _lines(text, _span(text, key or node)[0], _span(text, node)[1])
    return text[:end] + text[start:end] * chance.choice([1, 1, 1, 2, 5]) + text[end:]


def share(chance: random.Random, text: str, material: Material) -> str:
    """An anchor at one node, and an alias of it in the place of a later one, or merged into a later mapping."""
    nodes = sorted({_span(text, node) for node, _ in _nodes(text)})
    if len(nodes) < 2:
        return text
    (start, end), (later, behind) = sorted(chance.sample(nodes, 2))
    if later < end:  # within the first: an anchor alone, or a circle
        return text[:start] + chance.choice(["&q ", "!!map ", "!!str ", "&é "]) + text[start:]
    alias = chance.choice(["*q", "*q ", "{<<: *q}", "{<<: *q, x: y}", "{<<: [*q]}"])
    anchor = (
        "&q " if text[start : start + 1] in "[{'\"" or "\n" not in text[start:end] else "&q\n" + _indent(text, start)
    )
    return text[:start] + anchor + text[start:later] + alias + text[behind:]


def _indent(text: str, at: int) -> str:
    return " " * (at - text.rfind("\n", 0, at) - 1)


def requote(chance: random.Random, text: str, material: Material) -> str:
    node, _ = _pick(chance, text, lambda node, _: isinstance(node, yaml.ScalarNode))
    if node is None:
        return text
    start, end = _span(text, node)
    pad = "\n" + _indent(text, text.rfind("\n", 0, start) + 1 + 8)
    styles = [
        json.dumps(node.value), json.dumps(node.value, ensure_ascii=False), "'" + node.value.replace("'", "''") + "'", f"|-{pad}{node.value}",
        f">{pad}{node.value}{pad}", node.value, f"!!str {node.value}", f"&q {text[start:end]}", f"[{text[start:end]}]", f"- {text[start:end]}",
        node.value.replace(" ", pad, 1), f'"{node.value[:3]}\\\n  {node.value[3:]}"',
    ]  # fmt: skip
    return text[:start] + chance.choice(styles) + text[end:]


def in_flow(chance: random.Random, text: str, material: Material) -> str:
    node, _ = _pick(chance, text, lambda node, _: not isinstance(node, yaml.ScalarNode))
    if node is None or _size(node, {}) >= MOST_NODES:
        return text
    start, end = _span(text, node)
    written = _flow(node)
    if chance.random() < 0.3:
        written = re.sub(r", ", chance.choice([",\n" + " " * 20, ",", " , # c\n" + " " * 20]), written)
    return text[:start] + written + text[end:]


def line(chance: random.Random, text: str, material: Material) -> str:
    """A line put in, doubled, taken out, moved, indented, or broken otherwise."""
    lines = text.splitlines(keepends=True)
    at = chance.randrange(len(lines) + 1)
    there = lines[at : at + 1]
    pad = re.match(r"[ -]*", there[0])[0] if there else ""  # type: ignore[index]
    what = chance.randrange(8)
    if what == 0:
        lines.insert(at, chance.choice(["", pad]) + chance.choice(LINES) + "\n")
    elif what == 1:
        del lines[at : at + chance.choice([1, 1, 2, 4])]
    elif what == 2:
        lines[at:at] = there
    elif what == 3:
        lines.insert(chance.randrange(len(lines) + 1), "".join(there))
    elif what == 4:
        lines[at : at + 3] = [chance.choice([" ", "  ", "\t"]) + each for each in lines[at : at + 3]]
    elif what == 5:
        lines[at : at + 3] = [each.replace(" ", "", 1) for each in lines[at : at + 3]]
    elif what == 6 and there:
        lines[at] = there[0].rstrip("\r\n") + chance.choice(BREAKS)
    else:
        lines.insert(at, chance.choice(material.lines) + "\n")
    return "".join(lines)


def word(chance: random.Random, text: str, material: Material) -> str:
    """A word of a text of any language replaced by another, there or in a seed."""
    words = list(re.finditer(r"[\w./{}*-]+|[^\w\s]", text))
    if not words:
        return text
    old = chance.choice(words)
    new = chance.choice(
        [chance.choice(words)[0], chance.choice(material.keys), _value(chance, material), old[0] * 2, ""]
    )
    return text[: old.start()] + new + text[old.end() :]


def layout(chance: random.Random, text: str, material: Material) -> str:
    """The whole file with other line breaks, marks, or ends."""
    what = chance.randrange(8)
    if what == 0:
        return text.replace("\r\n", "\n").replace("\n", "\r\n")
    if what == 1:
        return text.rstrip("\n")
    if what == 2:
        return "\ufeff" + text
    if what == 3:
        return "---\n" + text + chance.choice(["", "...\n", "---\n", "...\n# x\n"])
    if what == 4:
        return (
            chance.choice(["%YAML 1.1\n---\n", "%YAML 1.2\n--- ", "# c\n\n", "--- # c\n", "--- !!map\n", "--- &q\n"])
            + text
        )
    if what == 5:
        return re.sub(r"(?m)^", "  ", text)
    if what == 6:
        return text.replace("\n", chance.choice([" \n", " # c\n", "\n\n"]), chance.choice([1, 5, 100]))
    return text + chance.choice(["\n", "\n\n", "# end", "  # end\n", "\t", " "])


CHANGES: list[Change] = [
    replace_value, replace_value, replace_value, replace_key, replace_key, drop, double, share, share, requote, in_flow, line, word, layout,
]  # fmt: skip


def changed(data: Files, chance: random.Random, material: Material, by_bytes: Callable[[bytes], bytes]) -> Files:
    """A project with a few changes of one or two of its files; ``by_bytes`` is the fuzzer's own way to change one."""
    files = dict(data)
    for _ in range(chance.choice([1, 1, 1, 2, 3, 5])):
        name = chance.choice(sorted(files))
        if chance.random() < 0.08 and any(material.files):
            other = chance.choice([each for each in material.files if each])
            files.setdefault(chance.choice(sorted(other)), other[chance.choice(sorted(other))])
        elif chance.random() < 0.08:
            files[name] = by_bytes(files[name])
        else:
            text = files[name].decode("utf-8", "surrogateescape")
            text = chance.choice(CHANGES)(chance, text, material)
            files[name] = text.encode("utf-8", "surrogateescape")
    return files
