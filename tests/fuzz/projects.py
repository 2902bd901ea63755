"""A whole project as one text, as a fuzzer wants it: the file of most interest first, each other behind its name.

stages: ...
#### file: reana.yaml
inputs: ...
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

TESTS = Path(__file__).parents[1]
_MARK = re.compile(rb"\n#### file: ([\w./ -]{1,80})\n")
_TEXT = {".yaml", ".yml", ".cwl", ".json", ".smk", ".py", ".sh", ".C", ""}
MAX_SIZE = 24_000

Files = dict[str, bytes]


def packed(files: Mapping[str, bytes], first: str) -> bytes:
    """The files as one text, which ``unpacked`` takes apart."""
    others = b"".join(b"\n#### file: %s\n%s" % (name.encode(), files[name]) for name in sorted(files) if name != first)
    return files.get(first, b"") + others


def unpacked(data: bytes, first: str) -> Files:
    """The files in a text; names that lead out of the project, or through a file, are left out."""
    head, *others = _MARK.split(data)
    files = {first: head} if head or not others else {}
    for name, content in zip(others[::2], others[1::2]):
        path = name.decode()
        parents = {parent.as_posix() for each in files for parent in Path(each).parents}
        taken = path in parents or any(parent.as_posix() in files for parent in Path(path).parents)
        if not taken and not path.startswith("/") and Path(path).as_posix() == path and ".." not in path.split("/"):
            files[path] = content
    return files


def cases(kind: str) -> Iterator[Files]:
    """The projects of our own tests and examples whose workflow is of a kind; those with mistakes come last."""
    folders = [
        *TESTS.glob(f"golden/{kind}/*"),
        *TESTS.parent.glob(f"examples/{kind}-*"),
        *TESTS.glob("golden/errors/*"),
    ]
    for folder in folders:
        spec = folder / "reana.yaml"
        text = spec.read_bytes() if spec.is_file() else b""
        if len(text) < MAX_SIZE and re.search(rb"type[\"']?:\s*[\"']?" + kind.encode(), text):
            yield {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}


def _files(folder: Path) -> Iterable[Path]:
    ours = {"reana.out.yaml", "rucio-stager.py", "expected", "args", "spec"}
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in _TEXT)
    found = [path for path in found if not ours & set(path.relative_to(folder).parts) and ".rucio" not in path.name]
    return [path for path in found if path.stat().st_size < MAX_SIZE]
