"""What an expression may mean: each function turns a piece of it into a value, or reports why it cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from . import rules
from .diagnostics import Report
from .instances import nearest
from .model import Expression, Instance, Option, Place, Reference, Transfer, Word

MAX_NAME = 500  # the longest any Rucio schema allows (facts/rucio.md section 7)
RUN = "{run}"

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_INPUT_OPTIONS = ("rse", "first", "contents")
_OF_DATASETS = ("first", "contents")
_OUTPUT_OPTIONS = ("rse", "dataset", "prefix", "lifetime", "if_exists")
_PATHS = ("path", "to", "at", "as", "dest", "destination", "target", "file", "local", "local_path")  # no options
_ENGINE_OPTIONS = {"lazy": ("snakemake", False), "output": ("cwl", True)}  # engine, whether of an output


def check(
    reference: Reference,
    engine: str,
    instances: Mapping[str, Instance],
    parameters: Mapping[str, str],
    report: Report,
) -> Transfer | None:
    """What one reference asks for, or None when it has an error. Its path may be empty where it is still to be chosen.

    ``parameters`` are the ``-p key=value`` of the command line, for ``${key}`` in the words.
    """
    expression = _substituted(reference.expression, parameters, report)
    if expression is None:
        return None
    kind = _type(reference.place, expression)
    good = (
        _check_instance(expression, instances, report),
        _check_did(expression, reference.place, engine, report),
        _check_direction(reference, expression, report),
        _check_options(expression, reference.place, engine, report),
        _check_rse(expression, reference.place, instances, report),
    )
    path = _check_path(reference, expression, kind, engine, report) if good[2] else None
    if path is None or not all(good):
        return None
    if reference.place.is_output:
        _note_fixed_name(expression, reference.place, report)
    transfer = _transfer(reference._replace(expression=expression), kind, path, instances)
    wrong = [option.key for option in expression.options if option.key.text in _OF_DATASETS]
    if wrong and kind == "file" and path and not reference.place.is_output:
        message = f'"{wrong[0].text}" is for a dataset, and this is one file'
        report.add(rules.BAD_OPTION, wrong[0].span, message, "remove it")
        return None
    return transfer


def _substituted(expression: Expression, parameters: Mapping[str, str], report: Report) -> Expression | None:
    values = (option.value for option in expression.options)
    words = (expression.instance, expression.scope, expression.name, expression.path, *values)
    if not any(each and "${" in each.text for each in words):
        return expression
    good = True

    def word(old: Word | None) -> Word | None:
        nonlocal good
        if old is None:
            return None
        text = re.sub(r"\$\{(\w+)\}", lambda found: parameters.get(found.group(1), found.group(0)), old.text)
        missing = re.search(r"\$\{(\w*)\}", text)
        if missing:
            good = False
            message = f'"{missing.group(0)}" is not replaced in an expression: what is staged is fixed when compiling'
            hint = f"write the value, or compile with -p {missing.group(1) or 'NAME'}=VALUE"
            report.add(rules.PLACEHOLDER, old.span, message, hint)
        return Word(text, old.span)

    changed = expression._replace(
        scope=word(expression.scope) or expression.scope,
        name=word(expression.name) or expression.name,
        instance=word(expression.instance) or expression.instance,
        path=word(expression.path),
        options=tuple(Option(each.key, word(each.value) or each.value) for each in expression.options),
    )
    return changed if good else None


def _check_instance(expression: Expression, instances: Mapping[str, Instance], report: Report) -> bool:
    word = expression.instance
    if word.text in instances:
        return True
    hint = nearest(word.text, instances) or f"known are {', '.join(instances)}; describe others under rucio: instances:"
    if "://" in word.text:
        hint = "an instance has a name: write NAME here, and rucio_host: under rucio: instances: NAME:"
    report.add(rules.UNKNOWN_INSTANCE, word.span, f'the instance "{word.text}" is not known', hint)
    return False


def _check_did(expression: Expression, place: Place, engine: str, report: Report) -> bool:
    scope, name = expression.scope, expression.name
    problem = _bad_scope(scope.text)
    if problem:
        hint = "a DID is scope:name"
        if ":" in scope.text:
            hint = "scope:name has the name in it: remove the next word, or the part from the colon on"
        elif not scope.text.isascii():
            hint = _PASTED
        report.add(rules.BAD_DID, scope.span, f'the scope "{_shown(scope.text)}" {problem}', hint)
        return False
    problem = _bad_name(name.text)
    if problem:
        hint = "use letters, digits, `.`, `_` and `-`" if place.is_output else "see the name in `rucio list-dids`"
        if name.text.startswith(f"{scope.text}:"):
            hint = f"the scope stands before it: write {name.text[len(scope.text) + 1 :]}"
        elif not name.text.isascii():
            hint = _PASTED
        report.add(rules.BAD_DID, name.span, f'the name "{_shown(name.text)}" {problem}', hint)
        return False
    if not _check_signs(name, report):
        return False
    if place.is_output:
        return _check_output_name(name, report)
    return _check_input_name(name, place, engine, report)


def _check_signs(name: Word, report: Report) -> bool:
    """Refuse what no Rucio takes and is easily pasted, unless it stands in quotes: then it is meant."""
    odd = next((char for char in name.text if char == "?" or not char.isascii()), "")
    if not odd or name.text != name.span.text:
        return True
    if odd == "?":
        message = f'the name "{_shown(name.text)}" holds a "?", and the only wildcard of Rucio is "*"'
        report.add(rules.WILDCARD, name.span, message, "write * for any characters")
    else:
        message = f'the name "{_shown(name.text)}" holds "{odd}", which no name in Rucio does'
        report.add(rules.BAD_DID, name.span, message, _PASTED)
    return False


_PASTED = "was it pasted from a text? write plain letters and quotes"


def _check_output_name(name: Word, report: Report) -> bool:
    rest = name.text.replace(RUN, "")
    if "*" in rest:
        report.add(
            rules.WILDCARD,
            name.span,
            f'"{name.text}" is a wildcard: an output has one name',
            "write the name out",
        )
        return False
    if _has("{}", rest):
        message = f'"{name.text}" holds braces that are not {RUN}'
        report.add(rules.BAD_DID, name.span, message, f"only {RUN} is replaced, by the UUID of the workflow")
        return False
    return True


def _note_fixed_name(expression: Expression, place: Place, report: Report) -> None:
    """In Rucio a name is never used again, and few outputs are the same in a second run."""
    name, prefix = expression.name, expression.option("prefix")
    if RUN not in name.text:
        message = f'"{name.text}" is a name for one run only: in Rucio a name is never used again'
        hint = f"put {RUN} in it, or change it before the next run unless the content stays identical"
        report.add(rules.FIXED_OUTPUT_NAME, name.span, message, hint)
    elif place is Place.OUTPUT_DIRECTORY and (prefix is None or RUN not in prefix.text):
        message = "the files of this directory have names for one run only: in Rucio a name is never used again"
        hint = f"add prefix={RUN}- to put the run before the name of each file"
        report.add(rules.FIXED_OUTPUT_NAME, expression.span, message, hint)


def _check_input_name(name: Word, place: Place, engine: str, report: Report) -> bool:
    if _has("{}", name.text) and engine != "snakemake":
        message = f'"{name.text}" holds braces: wildcards in a name are for Snakemake only'
        hint = f"{RUN} is for outputs; here, write the name out"
        report.add(rules.WILDCARD, name.span, message, hint)
        return False
    if "*" in name.text and place is Place.INPUT_FILE:
        message = f'"{name.text}" is a wildcard, and inputs.files takes one file'
        report.add(rules.WILDCARD, name.span, message, "put it under inputs.directories, with -> DIRECTORY")
        return False
    return True


def _has(signs: str, text: str) -> bool:
    return not set(signs).isdisjoint(text)


def _bad_scope(scope: str) -> str:
    if not scope:
        return "is empty"
    if not re.match(r"[A-Za-z0-9_.-]+\Z", scope):
        return "may hold only letters, digits, `.`, `_` and `-`"
    if scope in (".", ".."):
        return "is a directory, not a name"
    return ""


def _bad_name(name: str) -> str:
    if not name.strip("/"):
        return "is empty"
    if len(name) > MAX_NAME:
        return f"has {len(name)} characters, and no Rucio takes more than {MAX_NAME}"
    if not name.isprintable() or " " in name:
        return "holds white space or a control character"
    if ":" in name:
        return 'holds a ":", which separates scope and name'
    if {".", ".."} & set(name.split("/")):
        return 'has a "." or ".." for a part'
    if name.endswith("/"):
        return 'ends with a "/"'
    return ""


def _shown(text: str) -> str:
    text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return text if len(text) <= 60 else text[:57] + "..."


def _check_direction(reference: Reference, expression: Expression, report: Report) -> bool:
    place = reference.place
    call = "rucio(...)"
    if place.is_output and expression.arrow is None:
        message = "an output needs the workspace path that is uploaded"
        hint = f"write results/plot.png -> {call}" if place is Place.OUTPUT_FILE else f"write results -> {call}"
        report.add(rules.NO_PATH, expression.span, message, hint)
        return False
    if place.is_output and expression.arrow == "in":
        report.add(rules.WRONG_DIRECTION, expression.span, "in outputs the path comes first", f"write path -> {call}")
        return False
    if not place.is_output and expression.arrow == "out":
        report.add(rules.WRONG_DIRECTION, expression.span, "in inputs the path comes last", f"write {call} -> path")
        return False
    return True


def _check_options(expression: Expression, place: Place, engine: str, report: Report) -> bool:
    allowed = list(_OUTPUT_OPTIONS if place.is_output else _INPUT_OPTIONS)
    if place.is_output:
        allowed.remove("dataset" if place is Place.OUTPUT_DIRECTORY else "prefix")
    if place is Place.INPUT_FILE:
        allowed = [key for key in allowed if key not in _OF_DATASETS]
    allowed += [key for key, of in _ENGINE_OPTIONS.items() if of == (engine, place.is_output)]
    good, seen = True, set()
    for option in expression.options:
        key = option.key.text
        if key in seen:
            report.add(rules.BAD_OPTION, option.key.span, f'"{key}" is given twice', "remove one of the two")
            good = False
        elif key not in allowed:
            hint = nearest(key, allowed) or f"possible here: {', '.join(allowed)}"
            if key in _PATHS:
                hint = "the path stands outside of the call: " + (
                    "path -> rucio(...)" if place.is_output else "rucio(...) -> path"
                )
            report.add(rules.UNKNOWN_OPTION, option.key.span, f'there is no option "{key}" {_here(place)}', hint)
            good = False
        else:
            good = _check_value(option, report) and good
        seen.add(key)
    return good


def _here(place: Place) -> str:
    return f"in {place.value}"


def _check_value(option: Option, report: Report) -> bool:
    key, text = option.key.text, option.value.text
    form = ""
    if not text or not text.isprintable():
        form = "a word"
    elif key == "rse" and (" " in text or text.count("(") != text.count(")")):  # rse_expression_parser.py in Rucio
        form = "an RSE expression: no spaces, and as many ) as ("
    elif key == "first" and not re.match(r"[1-9][0-9]{0,8}\Z", text):
        form = "a positive number of files"
    elif key == "lifetime" and not re.match(r"[1-9][0-9]{0,5}[smhdwy]\Z", text):
        form = "a number and a unit (s, m, h, d, w, y), such as 30d"
    elif key == "if_exists" and text not in ("skip", "fail"):
        form = "skip (identical content is fine) or fail"
    elif key == "contents" and text != "locked":
        form = "locked"
    elif key == "lazy" and text not in ("true", "false"):
        form = "true or false"
    elif key == "prefix" and (_bad_dataset(text) or ":" in text):
        form = "the beginning of a Rucio name"
    elif key == "dataset" and _bad_dataset(text):
        form = "the name of a dataset, or scope:name"
    if form:
        report.add(rules.BAD_OPTION, option.value.span, f'"{key}={_shown(text)}": {key} must be {form}')
    return not form


def _bad_dataset(text: str) -> bool:
    scope, colon, name = text.rpartition(":")
    rest = name.replace(RUN, "")
    return bool((colon and _bad_scope(scope)) or _bad_name(name) or _has("*{}", rest))


def _check_rse(expression: Expression, place: Place, instances: Mapping[str, Instance], report: Report) -> bool:
    instance = instances.get(expression.instance.text)
    if not place.is_output or expression.option("rse") or instance is None or instance.rse:
        return True
    if any(nearest(option.key.text, ["rse"]) for option in expression.options):
        return True  # misspelt, and reported as such
    hint = f"add rse=NAME, or a default under rucio: instances: {instance.name}: rse:"
    report.add(rules.NO_RSE, expression.span, "nothing says to which RSE this output goes", hint)
    return False


def _type(place: Place, expression: Expression) -> str:
    if place in (Place.INPUT_DIRECTORY, Place.OUTPUT_DIRECTORY):
        return "directory"
    if place is Place.PARAMETER and expression.path and expression.path.text.endswith("/"):
        return "directory"
    return "file"


def _check_path(reference: Reference, expression: Expression, kind: str, engine: str, report: Report) -> str | None:
    """The normalised path; empty where a parameter gives none, for its DID may be declared elsewhere."""
    word = expression.path
    if word is None:
        if reference.place is Place.PARAMETER:
            return ""
        if "*" in expression.name.text:
            message = f'"{expression.name.text}" is a wildcard, so its files need a directory of their own'
            report.add(rules.NO_PATH, expression.span, message, "write rucio(...) -> DIRECTORY")
            return None
        if _bad_name(expression.name.text):
            return None
        word = Word(expression.name.text.lstrip("/"), expression.name.span)
    bare = word.text == word.span.text  # in quotes, what looks like a mistake is meant
    problem = bad_path(word.text)
    braces = _has("{}", word.text) and (engine != "snakemake" or reference.place.is_output)
    hint = "write a path relative to the workspace, such as data/x.root"
    if bare and _has("-=<>~\u2013\u2014→", word.text[:1] + word.text[-1:]) and re.search(_PART_OF_ARROW, word.text):
        problem, hint = 'has a part of an arrow in it, which is written "->"', "write path -> rucio(...)"
        hint = hint if reference.place.is_output else "write rucio(...) -> path"
    problem = problem or ('holds "# ", and a comment needs a space before it' if "# " in word.text else "")
    if bare and "," in word.text and re.search(r",(?:\s|$)", word.text):
        problem = problem or "holds a comma, and an expression has one path"
    if problem or braces:
        problem = problem or "holds braces, which are replaced in names only"
        report.add(
            rules.BAD_PATH,
            word.span,
            f'the path "{_shown(word.text)}" {problem}',
            hint,
        )
        return None
    if kind == "file" and word.text.endswith("/") and "*" in expression.name.text:
        return None  # which is reported: it belongs under directories
    if kind == "file" and word.text.endswith("/"):
        message = f'"{word.text}" is a directory, and this is one file'
        base = expression.name.text.rpartition("/")[2]
        section = "outputs" if reference.place.is_output else "inputs"
        report.add(
            rules.BAD_PATH,
            word.span,
            message,
            f"write {word.text}{base}, or move the line to {section}.directories",
        )
        return None
    if reference.place.is_output and _has("*?[", word.text):
        report.add(
            rules.WILDCARD,
            word.span,
            f'"{word.text}" is a glob, and an output has one path',
            "name the file, or the directory under outputs.directories",
        )
        return None
    if bare and "*" in word.text and re.search(_GLOB, word.text):
        message = f'"{word.text}" is a glob, and what is staged has one path'
        hint = "name the file" if kind == "file" else "name the directory"
        report.add(rules.WILDCARD, word.span, message, f"{hint} that is to be there")
        return None
    return normalised(word.text)


_PART_OF_ARROW = r"\A(?:[<>=]|-+\s)|[\s=<][-=<>~\u2013\u2014→]+\Z|[-=]+>\Z"
_GLOB = r"(?:^|/)\*(?:\.[\w.*]*)?$"


def bad_path(path: str) -> str:
    """Why a path cannot be a workspace path, or an empty string."""
    if not path.strip("/. ") and set(path) <= set("./ "):
        return "names nothing in the workspace"
    if path.startswith("/"):
        return "is absolute"
    if "://" in path and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", path):
        return "is a URL"
    if path.startswith("$") and re.match(r"\$\w", path):
        return "begins with a variable, and paths are literal"
    if path.startswith("~"):
        return "begins with ~, which is no place in a workspace"
    if ".." in path.split("/"):
        return 'leaves the workspace by ".."'
    if not path.isprintable() or "\\" in path:
        return "holds a control character or a backslash"
    if len(path.encode()) > 1024 or any(len(part.encode()) > 255 for part in path.split("/")):
        return "is too long for a file system"
    return ""


def normalised(path: str) -> str:
    """A path without `./`, `//` and a trailing `/`, all of which mean the same to a file system."""
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def parents(path: str) -> Iterator[str]:
    """The directories that a normalised path is in, the nearest first."""
    at = path.rfind("/")
    while at > 0:
        yield path[:at]
        at = path.rfind("/", 0, at)


def _transfer(reference: Reference, kind: str, path: str, instances: Mapping[str, Instance]) -> Transfer:
    expression = reference.expression

    def option(key: str) -> str | None:
        word = expression.option(key)
        return word.text if word else None

    first, lifetime, out = option("first"), option("lifetime"), reference.place.is_output
    return Transfer(
        direction="out" if out else "in",
        instance=expression.instance.text,
        scope=expression.scope.text,
        name=expression.name.text,
        type=kind,
        path=path,
        references=(reference,),
        rse=option("rse") or (instances[expression.instance.text].rse if out else None),
        first=int(first) if first else None,
        lazy=option("lazy") == "true",
        dataset=option("dataset"),
        prefix=option("prefix"),
        lifetime=int(lifetime[:-1]) * _SECONDS[lifetime[-1]] if lifetime else None,
        if_exists=option("if_exists") or "skip",
        output=option("output"),
        contents=option("contents"),
    )
