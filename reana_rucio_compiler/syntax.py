"""The form of an expression: which of its characters are which word. All of lark is here.

The grammar is grammar/rucio.lark. What it describes has no nesting, so that a loop over its terminals reads every
expression without a mistake in it; lark, which takes long to import, is asked about all others and says what stands
where something else was expected. Tests hold that the two agree.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from . import resources
from .tuples import NamedTuple

if TYPE_CHECKING:
    from lark import Lark, Tree

Token = tuple[int, str]  # where it starts, and what is written there, quotes included


class Form(NamedTuple):
    """An expression in tokens. ``words`` are the instance and one or two more, ``arrow`` is that of ``Expression``."""

    words: tuple[Token, ...]
    options: tuple[tuple[Token, Token], ...]
    path: Token | None
    arrow: str | None


class Misread(Exception):
    """A text is no expression: where it stops being one (``at``), what is wrong and what to do."""

    def __init__(self, at: int, message: str, hint: str) -> None:
        super().__init__(message)
        self.at, self.message, self.hint = at, message, hint


def read_form(text: str) -> Form:
    """The form of an expression. Raises ``Misread``."""
    return matched(text) or parsed(text)


def matched(text: str) -> Form | None:
    """The form of an expression, terminal by terminal; None where that does not settle it."""
    cursor = _Cursor(text)
    target = None if cursor.sees("RUCIO") else cursor.take("PATH")
    if (target and not cursor.take("ARROW")) or not cursor.take("RUCIO"):
        return None
    words: list[Token] = []
    options: list[tuple[Token, Token]] = []
    while True:
        key = cursor.take("KEY") if len(words) > 1 else None
        word = cursor.take("WORD") if key or not (options or len(words) > 2) else None
        if word is None:
            return None
        if key:
            options.append(((key[0], key[1][:-1].rstrip()), word))
        else:
            words.append(word)
        if not cursor.take("COMMA"):
            break
    if len(words) < 2 or not cursor.take("RPAR"):
        return None
    arrow = cursor.take("ARROW")
    landing = cursor.take("PATH") if arrow else None
    if not cursor.at_end or (arrow and (target or not landing)):
        return None
    return Form(tuple(words), tuple(options), target or landing, "out" if target else "in" if landing else None)


class _Cursor:
    """A place in an expression, which moves on behind what is taken, and the space that follows."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.terminals = text, 0, _terminals()
        self.take("SPACE")

    @property
    def at_end(self) -> bool:
        return self.at == len(self.text)

    def sees(self, name: str) -> bool:
        return self.terminals[name].match(self.text, self.at) is not None

    def take(self, name: str) -> Token | None:
        found = self.terminals[name].match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found.start(), found[0].rstrip()


@cache
def _terminals() -> dict[str, re.Pattern[str]]:
    """The terminals of the grammar, each with the space behind it; a word and a path may be quoted."""
    found = re.finditer(r"^(\w+)(?:\.\d+)?: /(.*)/s?$", resources.read("grammar", "rucio.lark"), re.MULTILINE)
    of = {each[1]: each[2] for each in found}
    of |= {"WORD": f"{of['BARE']}|{of['QUOTED']}", "PATH": f"{of['PATH']}|{of['QUOTED']}"}
    of |= {"ARROW": "->", "COMMA": ",", "RPAR": r"\)", "SPACE": ""}
    used = ("RUCIO", "KEY", "WORD", "PATH", "ARROW", "COMMA", "RPAR", "SPACE")
    return {name: re.compile(rf"(?:{of[name]})\s*", re.DOTALL) for name in used}


def parsed(text: str) -> Form:
    """The form of an expression by lark. Raises ``Misread``."""
    from lark.exceptions import UnexpectedInput

    try:
        return _form(_parser().parse(text))
    except UnexpectedInput as error:
        end = len(text.rstrip())
        pos = error.pos_in_stream
        at = end if pos is None or pos < 0 else min(pos, end)
        if getattr(getattr(error, "token", None), "type", "") == "$END":
            at = end
        raise Misread(at, *_explain(error, text, at)) from None


@cache
def _parser() -> Lark:
    from lark import Lark

    return Lark(resources.read("grammar", "rucio.lark"), parser="lalr", lexer="contextual", propagate_positions=False)


def _form(tree: Tree[Any]) -> Form:
    call = next(tree.find_data("call"))
    words = tuple(_token(child.children[0]) for child in call.children if getattr(child, "data", "") == "word")
    options = tuple(
        (_token(child.children[0]), _token(child.children[1].children[0]))
        for child in call.children
        if getattr(child, "data", "") == "option"
    )
    path = next((_token(child.children[0]) for child in tree.children if getattr(child, "data", "") == "path"), None)
    return Form(words, options, path, {"plain": None, "staged_in": "in", "staged_out": "out"}[tree.data])


def _token(token: Any) -> Token:
    written = token.removesuffix("=") if token.type == "KEY" else token
    return token.start_pos or 0, str(written.rstrip())


def _explain(error: Any, text: str, at: int) -> tuple[str, str]:
    """What is wrong and what to do, from what the grammar expects at a place and what stands there instead.

    lark's own ``match_examples`` sees only the state of the parser, in which "a word is missing" and "a comma is
    missing" are often the same.
    """
    expected = frozenset(getattr(error, "expected", None) or getattr(error, "allowed", None) or ())
    rest, before = text[at:].lstrip(), text[:at].rstrip()
    if text.count("'") % 2 and text.count('"') % 2:
        return "a quote is closed by another kind of quote", "begin and end the word with the same one"
    if (text.count("'") % 2 and '"' not in text) or (text.count('"') % 2 and "'" not in text):
        return "a quote is not closed", "close it; a quote inside its own quotes is written twice"
    if "BARE" in expected:
        return _explain_word(rest, before)
    if "_COMMA" in expected:
        return _explain_behind_word(rest, before.rpartition("(")[2], "RPAR" in expected)
    if "KEY" in expected:
        if rest.startswith("->"):
            return "the closing parenthesis is missing before the arrow", "write rucio(instance, scope, name) -> path"
        if not rest or rest[0] in ",)":
            return "an option is missing behind this comma", "remove the comma, or write key=value"
        return _explain_option(rest, before)
    if "PATH" in expected and not rest:
        return "the path is missing behind the arrow", "write rucio(...) -> path"
    if "PATH" in expected or rest.startswith("->"):
        return "one arrow joins one path and one call", "write `rucio(...) -> path` or `path -> rucio(...)`"
    if before.endswith(")"):
        return "nothing may follow the call but `-> path`", _behind_call(rest)
    return "this is not of the form rucio(instance, scope, name)", "options follow the name, `-> path` follows the call"


def _behind_call(rest: str) -> str:
    """What to do with a text that stands where only ``-> path`` may."""
    if rest.startswith("#"):
        return "write a space before a comment"
    if rest.startswith(")"):
        return "remove this parenthesis"
    if re.search(r"\brucio\s*\(", rest):
        return "give each expression a line of its own"
    if re.match(r"[\"'“”\u2018\u2019]", rest):
        return "remove the quote, or put quotes around the whole expression"
    if re.match(r"[-=~\u2013\u2014\u2212]*\s*[>→⇒➔←]|<[-=]|as\s|to\s|[:,]", rest):
        return "write rucio(...) -> path"
    return "remove it, for an expression is a whole YAML string"


def _explain_option(rest: str, before: str) -> tuple[str, str]:
    dashed = re.match(r"(\w+(?:-\w+)+)\s*=", rest)
    if dashed:
        return "the names of options have no dashes", f"write {dashed[1].replace('-', '_')}=VALUE"
    if before.count("[") > before.count("]"):
        return "an expression names one DID", "write a line for each name"
    message, word = "only options may follow the name", re.match(r"[^\s,()]*", rest)
    if word and re.match(r"[A-Z][A-Z0-9_-]+\Z", word[0]) and "->" in before:
        return message, f"write rse={word[0]}"
    if word and "/" in word[0] and "->" not in before:
        return message, "the path stands outside of the call: rucio(...) -> path"
    return message, "write key=value; quote a name that holds a comma"


def _explain_word(rest: str, before: str) -> tuple[str, str]:
    if before.endswith("=") and rest[:1] in ("", ",", ")"):
        return "an option has no value", "write key=value"
    if not rest or rest[0] in ",)":
        return "a word is missing here", "write rucio(instance, scope, name)"
    if re.match(r"\w+\s*=", rest):
        return (
            "options come after the instance, the scope and the name",
            "write rucio(instance, scope, name, key=value)",
        )
    return f"a word may not begin with {rest[0]}", "quote it"


def _explain_behind_word(rest: str, before: str, complete: bool) -> tuple[str, str]:
    if not rest:
        return "the closing parenthesis is missing", "write rucio(instance, scope, name)"
    if rest[0] == ")" and ":" in before:
        return "the instance is missing", "write rucio(instance, scope:name)"
    if rest[0] == ")":
        return "the scope and the name are missing", "write rucio(instance, scope, name)"
    if rest[0] == "(" and before.endswith("rucio"):
        return "an expression cannot stand inside another", "give each a line of its own"
    if rest[0] in "('\"=":
        return f"a word may not hold {rest[0]}", "quote the whole word"
    if rest.startswith("->") and complete:
        return "the closing parenthesis is missing before the arrow", "write rucio(instance, scope, name) -> path"
    lifetime = re.search(r"\blifetime\s*=\s*(\d+)\Z", before), re.match(r"[smhdwy]", rest)
    if all(lifetime):
        return "a lifetime has no space in it", f"write lifetime={lifetime[0][1]}{lifetime[1][0]}"  # type: ignore[index]
    if before.endswith(";"):
        return "a comma is missing between two words", "write commas for the semicolons"
    return "a comma is missing between two words", "separate them by a comma, or quote a word that holds a space"
