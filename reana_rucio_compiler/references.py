"""Find and parse the ``rucio(...)`` expressions of a document."""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import rules
from .diagnostics import Report
from .documents import Document, Node, Where, walk
from .instances import nearest
from .model import Expression, Option, Place, Reference, Word
from .source import Source, Span
from .syntax import Misread, Token, read_form

_PLACES: dict[tuple[object, object], Place] = {
    ("inputs", "files"): Place.INPUT_FILE,
    ("inputs", "directories"): Place.INPUT_DIRECTORY,
    ("outputs", "files"): Place.OUTPUT_FILE,
    ("outputs", "directories"): Place.OUTPUT_DIRECTORY,
}
_EXPRESSION = re.compile(r"\s*rucio\s*\(|.*->\s*rucio\s*\(", re.DOTALL)
# What was meant for an expression and is none: in capitals, in other brackets, as a URL.
_ALMOST = r"(?:.*(?:->|→)\s*)?(?P<word>rucio)\s*(?P<sign>[(\[{\uff08]|\\\(|://)"
_CALL = r"(?<![\w.$-])(?P<word>[A-Za-z]\w{3,5})\s*\((?=[^()\n]*[,:])"  # which may be of a misspelt rucio
_ARROW = r"\s(?P<sign>->|→)\s+\S"
_ALMOST_IN_TEXT = r"(?P<word>rucio)(?P<sign>\()\s*[\w.-]+\s*,\s*[^\s,()]+\s*[,)]"
_ANYWHERE = r"(?<![\w.$-])rucio\(\s*[^\s,()]+\s*,"
_IN_A_LIST = r"\brucio\s*\(\s*[^\s,()]+\s*,"  # of files, where nothing of a shell's is meant


def find_references(document: Document, report: Report, parameters: bool = False) -> tuple[Reference, ...]:
    """Every expression of a document, in order of place; what is wrong with the others is reported.

    With ``parameters`` the document is a parameter file, in which every string may be an expression; without, it is
    a specification. Text that cannot have one costs one search.
    """
    text = document.source.text
    if not _has_sign(text) and "rucio" not in text.lower():
        return ()
    found: list[Reference] = []
    for path, node in walk(document.root):
        if _is_trap(document, path, node, report):
            continue
        if node.alias:
            if any("rucio(" in each.value for _, each in walk(node.at(node.start, node.end))):
                message = "this alias repeats a rucio(...) expression"
                report.add(rules.BAD_ALIAS, Span(document.source, node.start, node.end), message, "write it out here")
            continue
        if node.kind != "scalar" or report.covers(document.span_of(node)):
            continue
        place = Place.PARAMETER if parameters else _place(path)
        if place and _EXPRESSION.match(node.value):
            expression = parse(document.source, node, report)
            if expression:
                found.append(Reference(expression, place, path))
        elif not (place and (_is_almost(document, node, place, report) or _lacks_call(document, node, place, report))):
            _report_misplaced(document, path, node, place, report)
    return tuple(found)


def _has_sign(text: str) -> bool:
    """Whether a text has a call or an arrow: what has none costs no pattern."""
    return any(sign in text for sign in ("(", "→", "->"))


def _place(path: Where) -> Place | None:
    if path[:2] == ("inputs", "parameters") and len(path) > 2:
        return Place.PARAMETER
    return _PLACES.get((path[0], path[1])) if len(path) == 3 else None


def _is_almost(document: Document, node: Node, place: Place, report: Report) -> bool:
    """Whether a string that REANA would take for a file, or for a value, is an expression but for its form."""
    if "rucio" not in node.value.lower():
        return False
    found = re.match(_ALMOST_IN_TEXT if place is Place.PARAMETER else _ALMOST, node.value, re.DOTALL | re.IGNORECASE)
    if found is None or (found["word"], found["sign"]) == ("rucio", "("):
        return False
    offsets = locate(document.source.text, node)
    end = len(node.value.rstrip())
    span = Span(document.source, offsets[found.start("word")], offsets[end - 1] + 1)
    hint = 'write "rucio" in lower case' if found["sign"] == "(" else "use parentheses: rucio(instance, scope, name)"
    report.add(rules.SYNTAX, span, "this is not of the form rucio(instance, scope, name)", hint)
    return True


def _lacks_call(document: Document, node: Node, place: Place, report: Report) -> bool:
    """Whether an entry has the arrow or the call of an expression, but no ``rucio``: to REANA it is a file."""
    text = node.value
    if place is Place.PARAMETER or not _has_sign(text) or re.search(r"rucio\s*\(", text):
        return False
    call = next((each for each in re.finditer(_CALL, text) if nearest(each["word"], ["rucio"])), None)
    if call is None and not re.search(_ARROW, text):
        return False
    offsets = locate(document.source.text, node)
    start, end = call.span("word") if call else (len(text) - len(text.lstrip()), len(text.rstrip()))
    did = re.search(r"(?:^|->|→)\s*(?P<scope>[\w.-]+):(?P<name>[^\s:]+)\s*(?:->|→|$)", text)
    form = f"rucio(instance, {did['scope']}, {did['name']}" if did else "rucio(instance, scope, name"
    hint = 'did you mean "rucio"?' if call else f"write path -> {form}, rse=RSE)"
    if not (call or place.is_output):
        hint = f"write {form}) -> path"
    message = "this is not of the form rucio(instance, scope, name)"
    report.add(rules.SYNTAX, Span(document.source, offsets[start], offsets[end - 1] + 1), message, hint)
    return True


def _report_misplaced(document: Document, path: Where, node: Node, place: Place | None, report: Report) -> None:
    is_list = len(path) > 1 and path[0] in ("inputs", "outputs") and isinstance(path[1], int)
    if is_list or path == ("inputs", "parameters"):
        return  # a list, or a string, where a mapping must stand: the schema says it (schema.py)
    if "rucio" not in node.value:
        return
    listed = place is not None and place is not Place.PARAMETER
    for match in re.finditer(_IN_A_LIST if listed else _ANYWHERE, node.value):
        offsets = locate(document.source.text, node)
        end = node.value.find(")", match.start()) + 1 or match.end()
        span = Span(document.source, offsets[match.start()], offsets[end - 1] + 1)
        message = "a rucio(...) expression may not stand here"
        hint = _where_to(path)
        if place:
            message = "a rucio(...) expression is a whole YAML string, and this one is a part of one"
            hint = _apart(node.value[: match.start()].strip(), place)
            if re.search(r"\n[ \t]*- $", document.source.text[: span.start]):
                message = "YAML reads this line as a part of the one above, because it is indented more"
                hint = 'let its "- " stand exactly below the one above'
        if not report.covers(span):
            separator = "" if hint.endswith("?") else ";"
            report.add(rules.MISPLACED, span, message, f"{hint}{separator} if it is only text: # rucio: ignore[RR103]")


def _apart(before: str, place: Place) -> str:
    """What to do with an expression that has something else before it in its string."""
    if before and not before.strip("\"'`“”„«»\u2018\u2019"):
        return "remove the quotes, or use those of YAML: \" and '"
    if place is Place.PARAMETER:
        return "give it a parameter of its own"
    path = re.sub(r"[\s,=~\u2013\u2014\u2212<>→⇒➔-]+\Z", "", before)
    if place.is_output and path and not re.search(r"[\s()\"'$]", path):
        return f"write {path} -> rucio(...)"
    if path != before.rstrip(" ,-"):
        return "write rucio(...) -> path"
    return "give it a line of its own"


def report_expressions(source: Source, report: Report) -> None:
    """Report the expressions in a text in which none may stand, but for comments."""
    for match in re.finditer(_ANYWHERE, source.text):
        before = source.text[source.text.rfind("\n", 0, match.start()) + 1 : match.start()]
        end = source.text.find(")", match.start(), source.line_end(match.start())) + 1 or match.end()
        if not re.search(r"(?:^|\s)#|\bdef $", before):
            message = "a rucio(...) expression may not stand here: only the specification is compiled"
            hint = "declare it in reana.yaml, and write its path here; if it is only text: # rucio: ignore[RR103]"
            report.add(rules.MISPLACED, Span(source, match.start(), end), message, hint)


def _where_to(path: Where) -> str:
    """What to do with an expression that stands at a path where none may."""
    if path[:2] in _PLACES and len(path) == 2:
        return f'write "- " before it: {path[1]} is a list'
    if path[:2] in _PLACES and len(path) > 3:
        return "make it an entry of the list, without brackets or a second dash"
    keys = [("inputs", "outputs"), ("files", "directories", "parameters")]
    for key, known in zip(path, keys):
        meant = nearest(str(key), known)
        if key not in known:
            return meant or "declare it in inputs or outputs, and write its path here"
    return "declare it in inputs or outputs, and write its path here"


def _is_trap(document: Document, path: Where, node: Node, report: Report) -> bool:
    """Whether YAML has made something else of an expression here; it is then reported."""
    source = document.source
    if node.kind == "mapping":
        return _is_mapping_trap(source, path, node, report)
    if node.kind != "scalar" or node.style != "plain":
        return False
    text, after = node.value, source.text[node.end : source.line_end(node.end)]
    if node.anchor and text.startswith("->"):
        start = source.text.rfind("&", 0, node.start)
        line = source.text[start : node.end]
        report.add(
            rules.YAML_TRAP,
            Span(source, start, node.end),
            f'YAML reads "&{node.anchor}" as an anchor, so the path is lost',
            f"quote it: '{_quoted(line)}'",
        )
        return True
    if not re.search(r"rucio\s*\(", text) or text.count("(") <= text.count(")"):
        return False
    if re.match(r"[ \t]+#", after):
        whole = source.text[node.start : node.end] + after.rstrip()
        report.add(
            rules.YAML_TRAP,
            Span(source, node.start, node.start + len(whole)),
            'YAML reads " #" as the start of a comment, so the rest of the expression is lost',
            f"quote it: '{_quoted(whole)}'",
        )
        return True
    if re.match(r"\s*[,\]}]", after):
        rest = re.compile(r"[^()\n]*\)(?:\s*->\s*[^\s,\]}#]+)?").match(source.text, node.end)
        close = rest.end() if rest else node.end
        whole, nested = source.text[node.start : close], path[:2] in _PLACES and len(path) > len(path[:2]) + 1
        report.add(
            rules.YAML_TRAP,
            Span(source, node.start, close),
            "YAML cuts this expression up at its commas",
            f"write {whole}, without brackets" if nested else f"quote it: '{_quoted(whole)}'",
        )
        return True
    return False


def _is_mapping_trap(source: Source, path: Where, node: Node, report: Report) -> bool:
    listed = len(path) == 3 and path[:2] in _PLACES
    for key, value in node.pairs:
        starts = _EXPRESSION.match(key.value) is not None
        if not (starts or (listed and (_EXPRESSION.match(value.value) or key.value.lower() == "rucio"))):
            continue
        end = max(key.end, min(value.end, source.line_end(key.start)))
        text = source.text[key.start : end].rstrip()
        message = "YAML reads this expression as a mapping, because of its colon"
        hint = f"quote it: '{_quoted(text)}'"
        option = re.search(r",\s*([a-z_]+)\Z", key.value)
        is_input = listed and path[0] == "inputs"
        if node.style == "flow":
            message = "YAML cuts this expression up at its commas"
            hint = "quote the whole expression: in { } a comma ends a value"
        elif key.value.lower() == "rucio":
            message, hint = "an expression is a string, and this is a mapping", "write rucio(instance, scope, name)"
        elif not starts and is_input:
            hint = f"write {value.value}" if not value.value.startswith("->") else hint
        elif not starts:
            hint = hint if "->" in value.value else f"write {key.value} -> {value.value}"
        elif key.value.count("(") <= key.value.count(")"):
            message = "an expression is a value, and this is a key"
            other = value.value or "PATH"
            hint = f"write {key.value} -> {other}" if is_input else f"write {other} -> {key.value}"
            hint = hint if listed else f"write NAME: {key.value}"
        elif key.value.count(",") == 1 and not value.items and not value.pairs:  # scope: name
            hint = f"write {key.value}:{value.value}"
        elif option:
            hint = f"write {option[1]}={value.value.partition(',')[0].rstrip(')')}"
        report.add(rules.YAML_TRAP, Span(source, key.start, key.start + len(text)), message, hint)
        return True
    return False


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def parse(source: Source, node: Node, report: Report) -> Expression | None:
    """The expression in a scalar, with the exact place of each word, or None after an error, which is reported."""
    text, offsets = node.value, locate(source.text, node)

    def span(start: int, end: int) -> Span:
        return Span(source, offsets[start], offsets[end - 1] + 1 if end > start else offsets[start])

    def word(token: Token) -> Word:
        start, written = token
        unquoted = written[1:-1].replace(written[0] * 2, written[0]) if written[0] in "'\"" else written
        return Word(unquoted, span(start, start + len(written)))

    try:
        form = read_form(text)
    except Misread as error:
        found = re.compile(r"[^\s,()]+").match(text, error.at)
        end = found.end() if found else min(error.at + 1, len(text.rstrip()))
        report.add(rules.SYNTAX, span(error.at, end), error.message, error.hint)
        return None
    whole = span(len(text) - len(text.lstrip()), len(text.rstrip()))
    options = tuple(Option(word(key), word(value)) for key, value in form.options)
    path = word(form.path) if form.path else None
    return _expression(whole, [word(each) for each in form.words], options, path, form.arrow, report)


def _expression(
    span: Span, words: list[Word], options: tuple[Option, ...], path: Word | None, arrow: str | None, report: Report
) -> Expression | None:
    for each in words[:2]:
        key, equals, _ = each.text.partition("=")
        if equals and key in ("instance", "scope", "name", "did") and each.span.text == each.text:
            message = f'"{key}=" is no option: instance, scope and name are told by their order'
            report.add(rules.SYNTAX, each.span, message, "write rucio(instance, scope, name)")
            return None
    if len(words) == 2:
        words[1:] = _split_did(words[1])
        if len(words) == 2:
            report.add(
                rules.SYNTAX,
                words[1].span,
                f'instance, scope or name is missing: "{words[1].text}" is no scope:name',
                "write rucio(instance, scope, name) or rucio(instance, scope:name)",
            )
            return None
    return Expression(span, words[0], words[1], words[2], options, path, arrow)


def _split_did(did: Word) -> list[Word]:
    scope, colon, name = did.text.partition(":")
    if not colon:
        return [did]
    at, source = did.span.start, did.span.source
    if did.span.text == did.text:
        return [
            Word(scope, Span(source, at, at + len(scope))),
            Word(name, Span(source, at + len(scope) + 1, did.span.end)),
        ]
    return [Word(scope, did.span), Word(name, did.span)]


_ESCAPES = {"x": 4, "u": 6, "U": 10}


def locate(text: str, node: Node) -> list[int]:
    """For each character of a scalar's value the offset in the text at which it stands, and one more for its end.

    Exact for every character that is not white space; folded white space stands where its line ends.
    """
    return list(_offsets(text, node))


def _offsets(text: str, node: Node) -> Iterator[int]:
    at = node.start
    if node.style in ("'", '"'):
        at += 1
    elif node.style in ("|", ">"):
        at = text.find("\n", at) + 1
    for char in node.value:
        if node.style == '"':
            at = _skip_continuations(text, at)
        if node.style == '"' and text[at] == "\\":
            yield at
            at += _ESCAPES.get(text[at + 1], 2)
        elif text[at : at + 1] == char or char.isspace():
            yield at
            at = _behind_space(text, at) if char.isspace() and text[at : at + 1] != char else at + 1
            at += node.style == "'" and char == "'"
        else:
            while text[at] != char:
                at += 1
            yield at
            at += 1 + (node.style == "'" and char == "'")
    yield min(at, len(text))


def _skip_continuations(text: str, at: int) -> int:
    while text[at] == "\\" and text[at + 1] in "\r\n":
        at += 1
        while text[at] in " \t\r\n":
            at += 1
    return at


def _behind_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
