#!/usr/bin/env python3
"""Ask one Rucio server about DIDs; run by catalogue.py, in a process of its own, by the Python that has the client.

Reads one JSON object from standard input: the ``instance`` of a manifest, ``settings``, and ``questions`` (``scope``,
``name``, ``type``, ``first``, and ``pattern`` where the name has wildcards of Snakemake). Writes JSON objects, one per
line: ``{"number": n, ...}`` is the answer to the n-th question, ``{"say": text}`` a remark while it waits, and
``{"failed": code, "text": text}`` the last one where the server does not answer; the codes are those of stager.py,
whose own functions connect and choose the files, so that what is found here is what a job will stage.
"""

import importlib.util
import json
import os
import re
import shutil
import signal
import sys

if __name__ == "__main__":
    del sys.path[0]  # this package's directory, where the standard library's modules are not to be sought

_HERE = os.path.dirname(os.path.abspath(__file__))
_SPEC = importlib.util.spec_from_file_location("stager", os.path.join(_HERE, "stager.py"))
stager = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(stager)

CONTAINERS_AT_A_TIME = 50


class Memory:
    """The server as stager.members() sees it, but for what is known already; it keeps what it hears of files."""

    def __init__(self, server):
        self.server, self.contents, self.files = server, {}, {}
        self.dids = {}

    def __getattr__(self, name):
        return getattr(self.server, name)

    def learn(self, keys):
        """Ask for the metadata of DIDs, and for the files of those that are collections, many at a time."""
        self.dids.update(self.server.metadata(keys))
        collections = [key for key in keys if key in self.dids and self.dids[key]["did_type"] != "FILE"]
        if not hasattr(self.server.client, "bulk_list_files"):  # before client 1.31
            return
        for part in stager.chunks(collections, CONTAINERS_AT_A_TIME):
            self.contents.update((key, []) for key in part)
            for row in self.server.bulk_list_files(list(map(stager.did, part))):
                self.contents[row["parent_scope"], row["parent_name"]].append(row)
                self.files[stager.key_of(row)] = row

    def get_did(self, scope, name):
        return {"type": self.dids[scope, name]["did_type"]}

    def list_files(self, scope, name):
        if (scope, name) not in self.contents:
            rows = self.contents[scope, name] = self.server.list_files(scope, name)
            self.files.update((stager.key_of(row), row) for row in rows)
        return self.contents[scope, name]

    def metadata(self, keys):
        """(scope, name) -> size and checksum of files; those that no collection told are asked for."""
        keys = set(keys)
        self.dids.update(
            self.server.metadata(
                key for key in keys if key not in self.dids and not self.files.get(key, {}).get("adler32")
            )
        )
        return {key: self.dids.get(key) or self.files.get(key) for key in keys}


def literal(question):
    return "*" not in question["name"] and "pattern" not in question


def answer(memory, question):
    """What is to be staged: {"is": type, "open", "monotonic", "files"}, or {"problem": kind, "text": why}."""
    key, row, keys = stager.key_of(question), None, []
    if literal(question):
        row = memory.dids.get(key)
        if row is None:
            return {"problem": "missing"}
        kind = row["did_type"].lower()
        if (kind == "file") != (question["type"] == "file"):
            return {"problem": "kind", "is": kind}
    if question["type"] == "file" and row:
        keys = [key]
    elif "pattern" in question:
        fits = re.compile(question["pattern"] + r"\Z").match
        rows = memory.list_dids(key[0], {"name": key[1]}, did_type="all", long=True)
        keys = sorted((key[0], row["name"]) for row in rows if row["did_type"] == "FILE" and fits(row["name"]))
        if not keys:
            return {"problem": "missing"}
    else:
        keys = stager.members(memory, question)
    known = memory.metadata(keys)
    gone = [key for key in keys if not known[key]]
    if gone:
        return {"problem": "content", "text": ":".join(gone[0]) + " is in it and not in Rucio"}
    found = {
        "is": row["did_type"].lower() if row else "wildcard",
        "files": [stager.line_of(known[key]) for key in keys],
    }
    if row and found["is"] != "file":
        found.update(open=bool(row["is_open"]), monotonic=bool(row["monotonic"]))
    return found


def inquire(request, tell):
    private = stager.private_directory()
    try:
        client = stager.configure(request["instance"], private)
        stager.capture(private + "/log")
        stager.say = lambda text, stream=None: tell({"say": hidden(text)})
        server = stager.Server(client, request["settings"])
        questions = request["questions"]
        for start in range(0, len(questions), 1000):
            memory, part = Memory(server), questions[start : start + 1000]
            memory.learn([stager.key_of(question) for question in part if literal(question)])
            for number, question in enumerate(part, start):
                try:
                    found = answer(memory, question)
                except Exception as error:
                    if stager.code_of(error) != stager.MISSING:
                        raise
                    nothing = not literal(question) and "has no files" in str(error)
                    found = {"problem": "missing" if nothing else "content", "text": hidden(str(error))}
                tell(dict(found, number=number))
    finally:
        shutil.rmtree(private, ignore_errors=True)


def hidden(text):
    for secret in filter(None, stager.HIDDEN):
        text = text.replace(secret, "***")
    return text


def main():
    signal.signal(signal.SIGTERM, stager.stop)
    signal.signal(signal.SIGINT, stager.stop)
    python = stager.other_python()
    if python:
        os.execv(python, [python, os.path.abspath(__file__)])
    answers = os.fdopen(os.dup(1), "w")

    def tell(what):
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    try:
        if python == "":
            tell({"failed": 0, "text": "no client"})
        else:
            inquire(json.load(sys.stdin), tell)
    except stager.Stopped:
        pass
    except Exception as error:
        code = stager.code_of(error)
        if code == 1:
            raise
        kind = "" if isinstance(error, stager.Error) else type(error).__name__ + ": "
        tell({"failed": code, "text": hidden(kind + (str(error) if not kind else stager.brief(error)))})


if __name__ == "__main__":
    main()
