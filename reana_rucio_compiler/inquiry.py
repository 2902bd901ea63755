#!/usr/bin/env python3
"""Ask one Rucio server about DIDs; run by catalogue.py, in a process of its own, by the Python that has the client.

Reads one JSON object from standard input: the ``instance`` of a manifest, ``settings``, ``questions`` (``scope``,
``name``, ``type``, ``first``, ``rse``, ``locked`` where just these files are staged, and ``pattern`` where the name has
wildcards of Snakemake), whether ``replicas`` are asked for, and ``uploads`` as in a manifest. Writes JSON objects, one
per line: ``{"number": n, ...}`` answers the n-th question, or upload behind them, ``{"say": text}`` is a remark while
it waits, ``{"failed": code, "text": why}`` the last one where the server does not answer; the codes are those of
stager.py, whose own functions connect, choose the files and check the uploads, so that what is found here is what a
job will stage, or refuse.
"""

import importlib.util
import io
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
show = stager.say

CONTAINERS_AT_A_TIME = 50
NO_RUN = "00000000-0000-0000-0000-000000000000"  # for {run}: no run has it


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
    row, here = None, "is in it"
    if "locked" in question:  # whatever has become of the collection
        entry = dict(question, contents="locked", lock={"files": question["locked"]})
        keys, here = stager.members(memory, entry), "was locked"
    elif literal(question):
        row = memory.dids.get(stager.key_of(question))
        if row is None:
            return {"problem": "missing"}
        kind = row["did_type"].lower()
        if (kind == "file") != (question["type"] == "file"):
            return {"problem": "kind", "is": kind}
        keys = [stager.key_of(question)] if kind == "file" else stager.members(memory, question)
    elif "pattern" in question:
        keys = matching(memory, question)
        if not keys:
            return {"problem": "missing"}
    else:
        keys = stager.members(memory, question)
    known = memory.metadata(keys)
    gone = [key for key in keys if not known[key]]
    if gone:
        return {"problem": "content", "text": "%s %s and not in Rucio" % (":".join(gone[0]), here)}
    found = {
        "is": row["did_type"].lower() if row else "wildcard",
        "files": [stager.line_of(known[key]) for key in keys],
    }
    if row and found["is"] != "file":
        found.update(open=bool(row["is_open"]), monotonic=bool(row["monotonic"]))
    return found


def matching(memory, question):
    """The files whose names have what Snakemake fills in."""
    scope, name = stager.key_of(question)
    fits = re.compile(question["pattern"] + r"\Z").match
    rows = memory.list_dids(scope, {"name": name}, did_type="all", long=True)
    return sorted((scope, row["name"]) for row in rows if row["did_type"] == "FILE" and fits(row["name"]))


def answered(memory, question):
    """The answer to a question about an input; what only concerns this DID is no failure."""
    try:
        return answer(memory, question)
    except Exception as error:
        if stager.code_of(error) != stager.MISSING:
            raise
        nothing = not literal(question) and "has no files" in str(error)
        return {"problem": "missing" if nothing else "content", "text": hidden(str(error))}


def add_replicas(server, questions, answers):
    """Say in each answer of which files no copy can be read from disk, as the stager would look for one."""
    groups = {}
    for question, found in zip(questions, answers):
        keys = [tuple(line.split(" ")[0].split(":")) for line in found.get("files", ())]
        groups.setdefault(question.get("rse"), {}).update((key, None) for key in keys)
    for wish, states in groups.items():
        trouble = find_replicas(server, wish, states)
        for question, found in zip(questions, answers):
            if question.get("rse") == wish and trouble:
                found["bad_rse"] = trouble
            elif question.get("rse") == wish:
                keys = [tuple(line.split(" ")[0].split(":")) for line in found.get("files", ())]
                found["tape"] = [":".join(key) for key in keys if states[key] == "tape"]
                found["unavailable"] = [
                    "%s (%s)" % (":".join(key), states[key]) for key in keys if states[key] not in ("disk", "tape")
                ]


def find_replicas(server, wish, states):
    """Fill in "disk", "tape" or what there is instead for each file; why the RSE expression is none, or nothing."""
    if wish:
        try:
            server.list_rses(wish)
        except Exception as error:
            if stager.code_of(error) != stager.REFUSED:
                raise
            return stager.brief(error)
    tapes = rses(server, "istape=true")
    for row in replicas(server, states, "(%s)\\istape=true" % (wish or "*"), ignore_availability=False):
        if any(row["rses"].values()):
            states[stager.key_of(row)] = "disk"
    missing = [key for key in states if states[key] is None]
    for row in replicas(server, missing, wish, all_states=True):
        there = sorted("%s %s" % state for state in row["states"].items())
        on_tape = any(state == "AVAILABLE" and rse in tapes for rse, state in row["states"].items())
        states[stager.key_of(row)] = "tape" if on_tape else ", ".join(there) or "no replica"
    for key in missing:
        states[key] = states[key] or "no replica"
    return ""


def rses(server, expression):
    """The names of the RSEs that match; Rucio makes an error of none."""
    try:
        return {row["rse"] for row in server.list_rses(expression)}
    except Exception as error:
        if stager.code_of(error) != stager.REFUSED:
            raise
        return set()


def replicas(server, keys, expression, **options):
    if expression and not rses(server, expression):
        return []
    if expression:
        options["rse_expression"] = expression
    parts = stager.chunks(sorted(keys), 500)
    return [row for part in parts for row in server.list_replicas(list(map(stager.did, part)), **options)]


def check_upload(server, upload):
    """What a job would refuse of an upload, as [kind, text], by the stager's own words."""
    entry = dict(upload)
    for field in {"name", "dataset", "prefix"} & set(entry):
        entry[field] = entry[field].replace("{run}", NO_RUN)
    found = []
    try:
        stager.check_uploads(server, [entry], False)
    except stager.Error as error:
        text = str(error).replace("exists with other content", "is no file")  # all that it can be here
        found.append([kind_of(error), text])
    if found and found[0][0] not in ("rse", "quota", "unwritable"):
        try:
            attributes = server.list_account_attributes(server.account)[0]
            admin = any(row["key"] == "admin" and row["value"] for row in attributes)
            stager.choose_rse(server, entry, None, admin, stager.Counter())
        except stager.Error as error:
            found.append([kind_of(error), str(error)])
    key = stager.key_of(entry)
    if (
        entry["type"] == "file"
        and not any(kind in ("taken", "impossible") for kind, _ in found)
        and server.metadata([key])
    ):
        found.append(["taken", ":".join(key) + ": exists; a run passes only if it makes the same content again"])
    return {"troubles": [[kind, hidden(text.replace(NO_RUN, "{run}"))] for kind, text in found]}


def kind_of(error):
    text = str(error)
    if error.code == stager.EXISTS:
        return "taken" if "if_exists=" in text else "impossible"
    kinds = {": rse=": "rse", "may not write to scope": "scope", "of quota left": "quota"}
    return next((kinds[words] for words in kinds if words in text), "unwritable")


def inquire(request, tell):
    private = stager.private_directory()
    try:
        client = stager.configure(request["instance"], private)
        stager.capture(private + "/log")
        stager.say = lambda text, stream=None: tell({"say": hidden(text)})
        server = stager.Server(client, request["settings"])
        questions, uploads = request["questions"], request["uploads"]
        for start in range(0, len(questions), 1000):
            memory, part, held = Memory(server), questions[start : start + 1000], []
            memory.learn([stager.key_of(question) for question in part if literal(question)])
            for number, question in enumerate(part, start):
                held.append(answered(memory, question))
                if not request["replicas"]:
                    tell(dict(held[-1], number=number))
            if request["replicas"]:
                add_replicas(server, part, held)
                for number, found in enumerate(held, start):
                    tell(dict(found, number=number))
        for number, upload in enumerate(uploads, len(questions)):
            tell(dict(check_upload(server, upload), number=number))
    finally:
        shutil.rmtree(private, ignore_errors=True)


def hidden(text):
    """The text as the stager shows it: without secrets, and what a server would write to a terminal."""
    shown = io.StringIO()
    show(text, shown)
    return shown.getvalue().rstrip("\n")


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
        kind = "" if isinstance(error, stager.Error) else type(error).__name__ + ": "
        text = kind + (str(error) if not kind else stager.brief(error))
        tell({"failed": stager.code_of(error), "text": hidden(text)})


if __name__ == "__main__":
    main()
