"""Rucio command lines that move data by hand, and the ``rucio(...)`` line that does the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import basename, join

from .checks import bad_path, normalised
from .tuples import NamedTuple

# A command of a shell begins a line, or follows an operator, a keyword or an assignment.
_BEGIN = r"(?:^|[;&|({`\n]|\b(?:then|do|else|exec|time|if|while|until)\b|!|-c[ ]+[\"'])[ \t]*(?:\w+=\S*[ \t]+)*"
# In the file of a workflow also a string, the value of a key, or the item of a list.
_BEGIN_IN_FILE = r"(?:[\"']|:[ \t]|-[ \t]|" + _BEGIN[3:]
_CALL = r"(?P<call>(?:[\w.-]*/)*rucio[ \t]+[^\n;&|`]*)"
# A command as a list of words: of YAML, as CWL has it, or of Python.
_LIST = (
    r"""[\[(,]\s*["']?(?P<call>(?:[\w.-]*/)*rucio)["']?\s*,(?P<words>[^\])]*)"""
    r"""|^[ \t]*-[ \t]+["']?(?P<item>(?:[\w.-]*/)*rucio)["']?[ \t]*\n(?P<items>(?:[ \t]*-[ \t]+.*\n?)+)"""
)

_VERBS = ("download", "get", "upload")
_BARE = r"[^\s,()'\"=][^\s,()'\"]*\Z"

# The options that have a value, of the clients 1.30 to 41 (facts/rucio.md section 4).
# fmt: off
_WITH_VALUE = frozenset((
    "-H", "--host", "--hostname", "--auth-host", "-a", "--account", "--issuer", "-S", "--auth-strategy", "-T",
    "--timeout", "-u", "--user", "-pwd", "--password", "--vo", "--config", "--certificate", "--client-key",
    "--client_key", "--ca-certificate", "--dir", "--rses", "--rse", "--ndownloader", "--transfer-timeout",
    "--transfer-speed-timeout", "--protocol", "--nrandom", "--pfn", "--impl", "--scope", "--metalink", "--filter",
    "--did", "-d", "--files", "--name", "--lfn", "--lifetime", "--guid", "--expiration-date",
))
# fmt: on


class ByHand(NamedTuple):
    """A transfer that a shell command makes: where in the text ``rucio VERB`` stands, and what it is instead."""

    start: int
    end: int
    verb: str
    section: str
    line: str

    @property
    def silent(self) -> bool:
        """Whether it exits with 0 when it fails: all but ``get`` do, since clients 36 (facts/rucio.md section 3)."""
        return self.verb in ("rucio download", "rucio upload")


def transfers_by_hand(text: str, parameters: Mapping[str, str], in_file: bool = False) -> Iterator[ByHand]:
    """The transfers in a shell command, or in a file that holds some, in order of place.

    ``parameters`` are REANA's, by which ``$name`` and ``${name}`` are replaced before a line is suggested.
    """
    if "rucio" not in text:  # most have none, and need no pattern to be compiled
        return
    from string import Template

    joined = text.replace("\\\n", "  ")
    for found in re.finditer((_BEGIN_IN_FILE if in_file else _BEGIN) + _CALL, joined, re.MULTILINE):
        line = joined[joined.rfind("\n", 0, found.start("call")) + 1 : found.start("call")]
        words = _words(Template(found["call"]).safe_substitute(parameters))
        at = _verb_at(words)
        if at is None or (in_file and line.lstrip().startswith("#")):
            continue
        moved = re.search(r"\bcd\b", joined[: found.start("call")]) is not None
        yield _by_hand(joined, found.start("call"), words, at, moved)
    for found in re.finditer(_LIST, text, re.MULTILINE) if in_file else ():
        words = _listed(found)
        at = _verb_at(words)
        line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        if at is not None and not line.lstrip().startswith("#"):
            yield _by_hand(text, max(found.start("call"), found.start("item")), words, at, moved=False)


def _by_hand(text: str, start: int, words: list[str], at: int, moved: bool) -> ByHand:
    verb = words[at]
    end = re.compile(rf"\b{verb}\b").search(text, start + len("rucio"))
    legacy = "--legacy " if "--legacy" in words[:at] else ""
    section, suggested = (_output if verb == "upload" else _input)(words[at:], moved)
    stop = end.end() if end else start + len("rucio")
    return ByHand(start, stop, f"rucio {legacy}{verb}", section, suggested)


def _listed(found: re.Match[str]) -> list[str]:
    """The words of a command that is written as a list; what Python computes has no colon, and is no DID."""
    if found["call"]:
        words = found["words"].split(",")
    else:
        words = [re.sub(r"^\s*-\s+", "", line) for line in found["items"].splitlines()]
    return ["rucio", *(word.strip().strip("'\"") for word in words)]


def _words(call: str) -> list[str]:
    import shlex

    try:
        words = shlex.split(call, comments=True)
    except ValueError:  # the quote that closes stands in another line, or opens before the command
        words = call.replace('"', " ").replace("'", " ").split()
    redirected = next((at for at, word in enumerate(words) if re.match(r"\d*[<>]", word)), len(words))
    return [word.rstrip(")") for word in words[:redirected]]


def _verb_at(words: list[str]) -> int | None:
    """The index of ``download``, ``get`` or ``upload`` where it is the subcommand."""
    at = 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in _WITH_VALUE else 1
    return at if at < len(words) and words[at] in _VERBS else None


def _arguments(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """The options of a subcommand with their values, and the other words."""
    options: dict[str, str] = {}
    others: list[str] = []
    rest = iter(words[1:])
    for word in rest:
        key, equals, value = word.partition("=")
        if not word.startswith("-"):
            others.append(word)
        elif key in ("--did", "-d", "--files"):  # clients 36
            others.append(value if equals else next(rest, ""))
        elif key in _WITH_VALUE:
            options[key] = value if equals else next(rest, "")
        else:
            options[key] = ""
    return options, others


def _input(words: list[str], moved: bool) -> tuple[str, str]:
    """The section and the line for a download. The landing path is the client's (facts/rucio.md section 5).

    Where the directory was changed before (``moved``), no path is known.
    """
    options, others = _arguments(words)
    did = next((word for word in others if re.match(r"[\w.-]+:[^\s$]+\Z", word)), "SCOPE:NAME")
    scope, name = did.split(":", 1)
    rse = options.get("--rses") or options.get("--rse") or ""
    many = "*" in name
    folder = options.get("--dir", "") if "--no-subdir" in options else join(options.get("--dir", ""), scope)
    path = folder if many else join(folder, name)
    arrow = "" if not many and not moved and normalised(path) == name else f" -> {_path('' if moved else path)}"
    line = f"rucio(default, {_word(scope)}, {_word(name)}{_option('rse', rse)}){arrow}"
    return "inputs.directories" if many else "inputs.files", line


def _output(words: list[str], moved: bool) -> tuple[str, str]:
    options, others = _arguments(words)
    dataset = next((word for word in others if re.match(r"[\w.-]+:[^\s$/]+\Z", word)), "")
    path = next((word for word in others if word != dataset), "")
    name = options.get("--name") or options.get("--lfn") or basename(path.rstrip("/"))
    scope = options.get("--scope") or dataset.partition(":")[0]
    words = [_word(scope, "SCOPE"), _word(name, "NAME")]
    line = (
        f"rucio(default, {', '.join(words)}, rse={_word(options.get('--rse', ''), 'RSE')}{_option('dataset', dataset)})"
    )
    return "outputs.files", f"{_path('' if moved else path)} -> {line}"


def _word(text: str, otherwise: str = "NAME") -> str:
    """A word as the language writes it, or a stand-in where it is not known before the command runs."""
    if not text or re.search(r"[$`{]", text):
        return otherwise
    return text if re.match(_BARE, text) else "'" + text.replace("'", "''") + "'"


def _option(key: str, value: str) -> str:
    return f", {key}={_word(value, key.upper())}" if value else ""


def _path(path: str) -> str:
    known = path and not bad_path(path) and not re.search(r"[$`{*?\[\s]", path)
    return normalised(path) if known else "PATH"
