#!/usr/bin/env python3
# ruff: noqa: E402
"""Move data between Rucio and a REANA workspace, verified: python3 stager.py MANIFEST.json (in the workspace).

Needs Python 3.6 and rucio-clients 1.30, or newer. SHAPES describes the manifest. A receipt is written last, only
when all went well. Exit: 0 done, 1 unexpected, 2 manifest or usage, 3 secret, proxy or configuration, 4 server
unreachable, 5 no such DID or replica, 6 checksum or size, 7 permission, quota or RSE, 8 DID exists with other
content, 9 local output missing; the last line on standard error says what, why, and what to do.

What is staged in is there as a whole and right, or not at all. A wrong file is replaced. A directory is too,
unless it holds what neither belongs to it nor is in the receipt of the previous run: that is refused.
"""
import sys

if __name__ == "__main__":
    del sys.path[0]  # may be the workspace, and the user's random.py is not the library's

import collections
import configparser
import contextlib
import glob
import hashlib
import importlib.util
import json
import logging
import os
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import traceback
import uuid
import zlib

USAGE, SECRET, SERVER, MISSING, MISMATCH, REFUSED, EXISTS, OUTPUT = range(2, 10)
CODES = {  # exit code -> exceptions of the client and of requests, or their base classes
    SECRET: "CannotAuthenticate NoAuthInformation MissingClientParameter AccountNotFound EOFError",
    SERVER: "ServerConnectionException RequestException ConnectionError timeout DatabaseException",
    MISSING: "DataIdentifierNotFound",
    REFUSED: "AccessDenied InsufficientAccountLimit InsufficientTargetRSEs InvalidRSEExpression RSENotFound "
             "RSEWriteBlocked RSEOverQuota ManualRuleApprovalBlocked",
    EXISTS: "DataIdentifierAlreadyExists FileConsistencyMismatch",
    USAGE: "InvalidObject InputValidationError"}
PART = r"(?!\.\.?(/|\Z))[^/\x00-\x1f\x7f]+"
NAME = r"(?!(.*/)?\.\.(/|\Z))[^\s:\x00-\x1f\x7f]+"
KINDS = {
    "WORD": r"[A-Za-z0-9][\w.-]*", "TEXT": r"[^\x00-\x1f\x7f]+", "PART": PART, "NAME": NAME,
    "PATH": PART + "(/" + PART + ")*", "PATH/": PART + "(/" + PART + ")*/?", "DID": r"([^\s:]+:)?" + NAME,
    "URL": r"https://[^\s/]\S*|http://(localhost|127\.[\d.]+|\[::1\])([:/]\S*)?"}
SHAPES = {  # fields of an object ("!" = required); a value is of a KIND, an object, a list [], a number, or a regexp
    "manifest": "format!=int action!=stage-(in|check|out) instance!=instance downloads=download[] "
                "uploads=upload[] requires=PATH/[] receipt!=PATH settings=settings",
    "instance": "name!=WORD rucio_host=URL auth_host=URL sidecar=TEXT vo=TEXT account=TEXT proxy_file=PART "
                "auth_type!=x509_proxy|userpass|oidc username_env=TEXT password_env=TEXT token_file=PART",
    "download": "scope!=NAME name!=NAME type!=file|directory path!=PATH rse=TEXT first=int",
    "upload": "scope!=NAME name!=NAME type!=file|directory path!=PATH rse!=TEXT dataset=DID lifetime=int "
              "if_exists=skip|fail",
    "settings": "attempts=int backoff=float timeout=float threads=int"}
ADD = "reana-client secrets-add --overwrite "
PEM = b"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----"
OUT, ERR = sys.stdout, sys.stderr  # ours; after capture() file descriptors 1 and 2 are the client's
HIDDEN = []  # secrets, which no line may show


class Error(Exception):
    """A failure that the user can act on: an exit code, and `what: cause; remedy`."""

    def __init__(self, code, text, *args):
        super().__init__(text % args)
        self.code = code


class Stopped(BaseException):
    """SIGTERM or SIGINT; no Exception, as the client swallows those."""


# --- messages

def say(text, stream=None):
    for secret in HIDDEN:
        text = text.replace(secret, "***")
    print(text, file=stream or OUT, flush=True)


def capture(path):
    """Keep what the client and its libraries write to file descriptors 1 and 2 out of our output."""
    global OUT, ERR
    OUT, ERR = (open(os.dup(number), "w", errors="backslashreplace") for number in (1, 2))
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, target in enumerate((os.open(os.devnull, os.O_RDONLY), log, log)):
        os.dup2(target, number)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")


def human(count):
    power = min(4, (len(str(int(count))) - 1) // 3)
    return "%.3g %s" % (count / 1000.0 ** power, ("B", "kB", "MB", "GB", "TB")[power])


def several(texts):
    texts = list(texts)
    return ", ".join(texts[:3]) + (" and %d more" % len(texts[3:]) if texts[3:] else "")


def code_of(error):
    """The exit code that an exception means; 1 if it is unexpected."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if "SSLError" in names and re.search("(?i)certificate|alert|unknown.ca", str(error)):
        return SECRET
    if re.search(r"status code: (5\d\d|429)", str(error)):
        return SERVER
    return getattr(error, "code", 0) or next((code for code in CODES if names & set(CODES[code].split())), 1)


@contextlib.contextmanager
def about(what, remedy=""):
    """Turn a known exception raised inside into an Error that begins with `what`."""
    try:
        yield
    except Exception as error:
        code = code_of(error)
        if isinstance(error, Error) or code == 1:
            raise
        raise Error(code, "%s: %s%s", what, " ".join(str(error).split())[:400] or type(error).__name__,
                    remedy and "; " + remedy)


# --- manifest

def check(value, kind, where):
    """Refuse a value that is not of the kind, see SHAPES; `where` locates it."""
    fits = True
    if kind.endswith("[]"):
        fits = isinstance(value, list)
        for index, item in enumerate(value if fits else ()):
            check(item, kind[:-2], "%s[%d]" % (where, index))
    elif kind in SHAPES:
        fits = isinstance(value, dict)
        shape = dict(field.split("=") for field in SHAPES[kind].split())
        for name in [name[:-1] for name in shape if name[-1] == "!"] + list(value) if fits else ():
            place = where + "." + name if where else name
            if name not in value:
                raise Error(USAGE, "%s: is missing", place)
            check(value[name], shape.get(name) or shape.get(name + "!") or r"[^\s\S]", place)
    elif kind in ("int", "float"):
        fits = type(value) in (int, float) and value >= 0 and (kind == "float" or type(value) is int and value)
    else:
        fits = isinstance(value, str) and re.match("(%s)\\Z" % KINDS.get(kind, kind), value)
    if not fits:
        raise Error(USAGE, "%s: %s is not allowed here", where or "manifest", json.dumps(value)[:200])


def load(path):
    """The valid manifest. The receipt of an earlier run goes first; its paths stay in "previous"."""
    previous = set()
    try:
        with open(path, encoding="utf-8") as stream:
            manifest = json.load(stream)
    except (OSError, ValueError) as error:
        raise Error(USAGE, "%s: cannot be read: %s", path, error)
    with contextlib.suppress(Error, AttributeError, OSError):
        receipt = manifest.get("receipt")
        check(receipt, "PATH", "receipt")
        no_links(receipt)
        with contextlib.suppress(ValueError, KeyError, TypeError), open(receipt, encoding="utf-8") as stream:
            previous = {row["path"] for row in json.load(stream)["files"]}
        os.unlink(receipt)
    check(manifest, "manifest", "")
    instance = manifest["instance"]
    need = {"userpass": ["username_env", "password_env"], "oidc": ["token_file"]}.get(instance["auth_type"], [])
    for field in need + ["rucio_host", "auth_host"] * bool({"rucio_host", "auth_host"} & set(instance)):
        if field not in instance:
            raise Error(USAGE, "instance.%s: is missing", field)
    for index, entry in enumerate(manifest.setdefault("downloads", [])):
        if entry["type"] == "file" and "*" in entry["name"]:
            raise Error(USAGE, "downloads[%d].name: a wildcard needs the type directory", index)
    paths = sorted(entry["path"].split("/") for entry in manifest["downloads"])
    for one, two in zip(paths, paths[1:]):
        if two[:len(one)] == one:
            raise Error(USAGE, "downloads: %s is staged into %s, staged too", "/".join(two), "/".join(one))
    for entry in manifest.setdefault("uploads", []):
        for field in {"name", "dataset"} & set(entry):
            entry[field] = re.sub(re.escape("{run}"), run_id, entry[field])
    manifest["settings"] = dict(dict(attempts=4, backoff=5, timeout=600, threads=4), **manifest.get("settings", {}))
    return dict(manifest, previous=previous)


def run_id(_):
    """The UUID of the workflow, from the path of its workspace: the same when a run is restarted."""
    here, pattern = os.getcwd() + "/", "/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=/)"
    found = (re.findall("/workflows" + pattern, here) or re.findall(pattern, here)[-1:]
             or [os.environ.get("RUCIO_STAGE_RUN", "")])[0]
    if not re.match(KINDS["WORD"] + r"\Z", found):
        raise Error(USAGE, "{run}: %s is in no workspace with a UUID; set RUCIO_STAGE_RUN", here)
    return found


# --- files

def no_links(path, code=USAGE):
    """Refuse a path through a symbolic link, which may leave the workspace, or through a file."""
    parts = path.rstrip("/").split("/")
    for count in range(1, len(parts) + 1):
        part = "/".join(parts[:count])
        if os.path.islink(part) or count < len(parts) and os.path.isfile(part):
            raise Error(code, "%s: %s is a symbolic link or a file; put the real thing there", path, part)


def digest(path, algorithm):
    """The adler32 or md5 of a file, as Rucio writes it."""
    adler, md5 = 1, hashlib.md5()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            if algorithm == "md5":
                md5.update(block)
            else:
                adler = zlib.adler32(block, adler)
    return md5.hexdigest() if algorithm == "md5" else "%08x" % adler


def same(path, known):
    """Whether `path` is a file with the size and checksum (if any) that Rucio knows."""
    if os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) != known["bytes"]:
        return False
    algorithm = "adler32" if known["adler32"] else "md5"
    return not known[algorithm] or digest(path, algorithm).lstrip("0") == known[algorithm].lstrip("0")


def write_private(path, content):
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        stream.write(content)
    return path


def private_directory():
    """A new directory, mode 0700, outside of the workspace: REANA's CWL engine has TMPDIR inside."""
    here = re.match(".*/workflows/[^/]+|.*", os.path.realpath(".")).group() + "/"
    for place in ("/dev/shm", "/var/tmp", tempfile.gettempdir(), os.path.expanduser("~")):
        if not (os.path.realpath(place) + "/").startswith(here):
            with contextlib.suppress(OSError):
                return tempfile.mkdtemp(prefix="rucio-stage-", dir=place)
    raise Error(SECRET, "credentials: no directory outside of the workspace can be written")


# --- configuration

def other_python():
    """None if this Python has the client, else the one that the `rucio` executable names, else "".

    Images need not have the client in their python3, and REANA's CWL engine replaces PATH."""
    if importlib.util.find_spec("rucio") and importlib.util.find_spec("rucio.client"):
        return None
    places = os.environ.get("PATH", "").split(":") + [
        "/usr/local/bin", "/usr/bin", "/opt/rucio/bin", "/opt/conda/bin", os.path.expanduser("~/.local/bin")]
    for place in places:
        head = ""
        with contextlib.suppress(OSError), open(place + "/rucio", errors="replace") as stream:
            head = stream.read(4096)
        # `#!/path/python -s`, `#!/usr/bin/env python3`, or what pip writes for a long path
        found = re.search(r"\A#!\s*(?:\S*/env\s+)?(\S*python\S*)|^'''exec' \"?(.+?)\"? \"\$0\"", head, re.M)
        python = found and shutil.which(found.group(1) or found.group(2), path=":".join(places))
        if python and not subprocess.call([python, "-c", "import rucio"], cwd="/", stderr=subprocess.DEVNULL):
            return python
    return ""


def need(path, what, remedy):
    if not path or not os.path.isfile(path) or not os.path.getsize(path):
        raise Error(SECRET, "%s: %s; %s", what, "there is no " + path if path else "is not set", remedy)
    return path


def secret_file(name):
    place = os.environ.get("RUCIO_STAGE_SECRETS", "/etc/reana/secrets")
    return need(os.path.join(place, name), "secret " + name, ADD + "--file " + name)


def secret(name):
    if not os.environ.get(name, "").strip():
        raise Error(SECRET, "secret %s: is not set; %s--env %s=...", name, ADD, name)
    return os.environ[name].strip("\r\n")


def valid_proxy(name, private):
    """A private copy (libraries insist on mode 0600) of a proxy that has not expired."""
    remedy = "voms-proxy-init, then %s--file %s" % (ADD, name or "x509up --env VOMSPROXY_FILE=x509up")
    path = secret_file(name) if name else need(os.environ.get("X509_USER_PROXY"), "X509_USER_PROXY", remedy)
    with open(path, "rb") as stream:
        content = stream.read()
    chain = re.findall(PEM, content, re.S)
    if not chain or b"PRIVATE KEY-----" not in content:
        raise Error(SECRET, "proxy %s: holds no certificate and key; %s", path, remedy)
    decode = getattr(ssl._ssl, "_test_decode_cert", None)  # the library's one PEM reader, but private
    for block in chain if decode else ():
        try:
            end = decode(write_private(private + "/pem", block))["notAfter"]
        except ssl.SSLError:
            raise Error(SECRET, "proxy %s: is damaged; %s", path, remedy)
        if ssl.cert_time_to_seconds(end) < time.time():
            raise Error(SECRET, "proxy %s: has expired on %s; %s", path, end, remedy)
    return write_private(private + "/proxy", content)


def authorities(named, private):
    """All certificate authorities in one file; the sidecar's are beside its rucio.cfg, not where that says."""
    import requests.certs
    blocks, beside = collections.OrderedDict(), os.path.dirname(os.environ.get("RUCIO_CONFIG", ""))
    for place in (beside + "/CERN-bundle.pem", named, os.environ.get("X509_CERT_DIR"), requests.certs.where(),
                  "/etc/pki/tls/certs/CERN-bundle.pem", "/etc/pki/tls/certs/ca-bundle.crt",
                  "/etc/ssl/certs/ca-certificates.crt", "/etc/grid-security/certificates"):
        for path in glob.glob(place + "/*.pem") if os.path.isdir(place or "") else [place or ""]:
            with contextlib.suppress(OSError), open(path, "rb") as stream:
                blocks.update((block, 1) for block in re.findall(PEM, stream.read(), re.S))
    if not blocks:
        raise Error(SECRET, "https: no certificate authorities found; use an image with ca-certificates")
    return write_private(private + "/ca.pem", b"\n".join(blocks) + b"\n")


def configure(instance, private):
    """Write the rucio.cfg of this run, point the environment at it, return its [client] section.

    Hosts given as arguments would not reach the inner clients (facts/rucio.md section 9)."""
    env, auth, sidecar = os.environ, instance["auth_type"], configparser.RawConfigParser()
    if "rucio_host" not in instance or auth == "x509_proxy" and "RUCIO_CONFIG" in env:
        path = need(env.get("RUCIO_CONFIG"), "RUCIO_CONFIG", "REANA's rucio sidecar needs secrets: %s"
                    "--env VONAME=... --env RUCIO_USERNAME=..." % ADD)
        try:
            sidecar.read(path)
        except (configparser.Error, ValueError) as error:
            raise Error(SECRET, "RUCIO_CONFIG: %s", " ".join(str(error).split()))
    theirs = dict(sidecar.items("client")) if sidecar.has_section("client") else {}
    own = "rucio_host" not in instance or "rucio_host" in theirs and env.get("VONAME") == instance.get("sidecar", "")
    client = dict(auth_type=auth, auth_token_file_path=private + "/token", request_retries="1")
    for host in ("rucio_host", "auth_host"):
        client[host] = (theirs if own else instance).get(host, "")
        if not re.match("(%s)\\Z" % KINDS["URL"], client[host]):
            raise Error(SECRET, "RUCIO_CONFIG: %s is '%s', no https URL; check the secrets RUCIO_RUCIO_HOST, "
                        "RUCIO_AUTH_HOST", host, client[host])
    client["account"] = instance.get("account") or env.get("RUCIO_USERNAME") or theirs.get("account")
    if not client["account"]:
        raise Error(SECRET, "account: is not known; %s--env RUCIO_USERNAME=...", ADD)
    if "vo" in instance:
        client["vo"] = instance["vo"]
    if "https:" in client["rucio_host"] + client["auth_host"]:
        client["ca_cert"] = authorities(theirs.get("ca_cert"), private)
    drop = [name for name in env if name.startswith("RUCIO_")] + ["X509_CERT_DIR"]
    if auth == "x509_proxy":
        env["X509_USER_PROXY"] = client["client_x509_proxy"] = valid_proxy(instance.get("proxy_file"), private)
    elif auth == "userpass":
        client.update(username=secret(instance["username_env"]), password=secret(instance["password_env"]))
        HIDDEN.append(client["password"])
    else:
        with open(secret_file(instance["token_file"]), errors="replace") as stream:
            HIDDEN.append(stream.read().strip())
        env["BEARER_TOKEN_FILE"] = write_private(client["auth_token_file_path"], HIDDEN[-1].encode())
        drop.append("BEARER_TOKEN")
    lines = ["[client]"] + ["%s = %s" % (name, client[name].replace("%", "%%")) for name in client]
    for section in ("policy", "download", "upload"):  # what that server expects of names and protocols
        if own and sidecar.has_section(section):
            lines += ["[%s]" % section] + ["%s = %s" % item for item in sidecar.items(section)]
    for name in drop:  # each would override the file
        env.pop(name, None)
    env.update(RUCIO_CONFIG=write_private(private + "/rucio.cfg", "\n".join(lines).encode()), TMPDIR=private)
    tempfile.tempdir = private
    for name in ("USER", "LOGNAME", "HOME"):  # REANA's uid need not be in passwd, and the client asks
        env.setdefault(name, private if name == "HOME" else "reana")
    return client


# --- server

class Server:
    """The methods of the client, returning lists, and called again while the server does not answer."""

    def __init__(self, client, settings):
        import requests
        self.settings, self.account = settings, client["account"]

        def ping(host):  # shows why a connection fails, which the client's constructor hides
            answer = requests.get(host.rstrip("/") + "/ping", timeout=settings["timeout"],
                                  verify=client.get("ca_cert", True), cert=client.get("client_x509_proxy"))
            if answer.status_code >= 500:
                raise Error(SERVER, "server %s: answers %d; try again later", host, answer.status_code)

        for host in sorted({client["rucio_host"], client["auth_host"]}):
            with about("server " + host, "is it up, and reachable from here?"):
                self.attempt(ping, host)
        with about("account " + self.account, "do account, credentials and vo fit together?"):
            from rucio.client import Client
            self.client = self.attempt(Client, timeout=settings["timeout"])
            self.whoami()

    def attempt(self, action, *args, **kwargs):
        for count in range(self.settings["attempts"]):
            try:
                result = action(*args, **kwargs)
                return list(result) if hasattr(result, "__next__") else result
            except Exception as error:
                self.again(count, error)

    def again(self, count, error):
        """Raise the error, or wait before the next attempt."""
        if code_of(error) != SERVER or count + 1 >= self.settings["attempts"]:
            raise error
        delay = self.settings["backoff"] * 2 ** count
        say("again in %g s: %s" % (delay, " ".join(str(error).split())[:200]))
        time.sleep(delay)

    def __getattr__(self, name):
        return lambda *args, **kwargs: self.attempt(getattr(self.client, name), *args, **kwargs)

    def metadata(self, keys):
        """(scope, name) -> metadata of what exists; the server omits the rest, and takes 1000 at a time."""
        return {key_of(row): row for part in chunks(sorted(set(keys)), 1000)
                for row in self.get_metadata_bulk([did(key) for key in part])}


def key_of(row):
    return row["scope"], row["name"]


def did(key):
    return dict(scope=key[0], name=key[1])


def chunks(items, length):
    return [items[start:start + length] for start in range(0, len(items), length)]


# --- stage-in

def resolve(server, downloads):
    """[(entry, [metadata of a file])], each file once per entry, in the order of names."""
    plan = [(entry, members(server, entry) if entry["type"] == "directory" else [key_of(entry)])
            for entry in downloads]
    known = server.metadata(key for _, keys in plan for key in keys)
    for entry, keys in plan:
        if not all(key in known for key in keys):
            raise Error(MISSING, "%s: not found; is it spelt as `rucio list-dids` shows it?", several(
                ":".join(key) for key in keys if key not in known))
        kind = known[keys[0]]["did_type"].lower()
        if kind != "file":
            raise Error(MISSING, "%s:%s: is a %s, not a file; list it under directories", *keys[0] + (kind,))
    return [(entry, [known[key] for key in keys]) for entry, keys in plan]


def members(server, entry):
    """The files of a dataset, of the datasets of a container, or of all that a wildcard matches."""
    scope, name = key_of(entry)
    what = scope + ":" + name
    with about(what):
        if "*" in name:  # some databases ignore case
            fits = re.compile(".*".join(map(re.escape, name.split("*"))) + r"\Z").match
            roots = [(row["name"], row["did_type"]) for row in server.list_dids(
                scope, dict(name=name), did_type="all", long=True) if fits(row["name"])]
        else:
            roots = [(name, server.get_did(scope, name)["type"])]
            if roots[0][1] == "FILE":
                raise Error(MISSING, "%s: is a file, not a dataset; list it under files", what)
        keys = {(scope, root) for root, kind in roots if kind == "FILE"}
        for root, kind in roots:
            keys.update(map(key_of, server.list_files(scope, root) if kind != "FILE" else ()))
    keys = sorted(keys, key=lambda key: key[::-1])[:entry.get("first")]
    if not keys:
        raise Error(MISSING, "%s: no files in it", what)
    seen = {"": "", ".": "", "..": ""}
    for key in keys:
        if seen.setdefault(os.path.basename(key[1]), key) != key:
            raise Error(MISSING, "%s: has no room for %s:%s in one directory, after %s; stage them one by one",
                        what, key[0], key[1], ":".join(seen[os.path.basename(key[1])]))
    return keys


def stage_in(server, manifest, work):
    """Fetch what is not there, move it to its path, and return the rows of the receipt."""
    plan, rows, wanted, uses = [], [], collections.OrderedDict(), collections.Counter()
    for entry, files in resolve(server, manifest["downloads"]):
        path, folder = entry["path"], entry["type"] == "directory"
        no_links(path)
        if os.path.lexists(path) and os.path.isdir(path) != folder:
            raise Error(USAGE, "%s: is there, but no %s; remove it", path, entry["type"])
        places = {path + "/" + os.path.basename(file["name"]) if folder else path: file for file in files}
        extra = {path + "/" + name for name in (os.listdir(path) if folder and os.path.isdir(path) else ())}
        extra -= set(places)
        if extra - manifest["previous"]:
            raise Error(MISMATCH, "%s:%s: %s is in its directory, but not part of it; remove it, or choose another",
                        entry["scope"], entry["name"], several(sorted(extra - manifest["previous"])))
        right = {place for place in places if same(place, places[place])}
        for place in sorted(places):
            file = places[place]
            row = dict(did="%(scope)s:%(name)s" % file, path=place, bytes=file["bytes"], adler32=file["adler32"],
                       md5=file["md5"], rse=None, seconds=0, status="present")
            rows.append(row)
            if place not in right:
                uses[key_of(file)] += 1
                wanted.setdefault(key_of(file), dict(file, wish=entry.get("rse"), rows=[]))["rows"].append(row)
        if extra or len(right) < len(places):
            plan.append((path, folder, places, right))
    fetch_all(server, list(wanted.values()), work)
    for item in plan:
        deliver(work, uses, *item)
    return rows


def held(work, file):
    """Where the client puts a file: its name, without a leading slash, in the directory that it is given."""
    return os.path.join(work, "get", file["scope"], file["name"].lstrip("/"))


def deliver(work, uses, path, folder, places, right):
    """Move verified content to its path, in one step."""
    new, old = work + "/new", work + "/old"
    if folder:
        os.mkdir(new)
    for place, file in places.items():
        source, target = held(work, file), os.path.join(new, os.path.basename(place)) if folder else new
        if place in right:
            shutil.copyfile(place, target)
        else:
            uses[key_of(file)] -= 1
            (shutil.copyfile if uses[key_of(file)] else os.rename)(source, target)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    if folder and os.path.isdir(path):
        os.rename(path, old)
    os.rename(new, path)
    shutil.rmtree(old, ignore_errors=True)


def fetch_all(server, files, work):
    """Download into the work directory, except what a killed run left there and is right."""
    files = [file for file in files if not same(held(work, file), file)]
    say("%d files to fetch, %s" % (len(files), human(sum(file["bytes"] for file in files))))
    if files:
        from rucio.client.downloadclient import DownloadClient
        client, groups, traces = DownloadClient(client=server.client), {}, Traces(len(files))
        for file in files:
            groups.setdefault((file["scope"], file["wish"], bool(file["adler32"] or file["md5"])), []).append(file)
        for group in groups:
            for part in chunks(groups[group], 200):
                fetch(server, client, group, part, work, traces)


def fetch(server, client, group, files, work, traces):
    """Download at most 200 files of one scope, and again those whose sources fail for a while.

    A list of sources made by us spares the client's two requests per file, and files that are in two datasets."""
    scope, wish, checked = group
    options = dict(base_dir=os.path.join(work, "get", scope), no_subdir=True, no_resolve_archives=True,
                   ignore_checksum=not checked, transfer_timeout=int(
                       server.settings["timeout"] + max(file["bytes"] for file in files) / 5e5))
    for file in files:
        os.makedirs(os.path.dirname(held(work, file)), exist_ok=True)
    for count in range(server.settings["attempts"]):
        del traces[:]
        with about("rse=%s" % wish):
            sources = server.list_replicas(
                [did(key_of(file)) for file in files], rse_expression="(%s)\\istape=true" % (wish or "*"), metalink=True,
                ignore_availability=False, client_location=client.client_location, resolve_archives=False)
        client.download_from_metalink_file(
            options, write_private(work + "/meta4", sources.encode()), num_threads=server.settings["threads"],
            traces_copy_out=traces, deactivate_file_download_exceptions=True)
        traces.look()
        last, failed = {(trace["scope"], trace["filename"]): trace for trace in traces}, []
        for file in files:
            trace = last.get(key_of(file), {})
            for row in file["rows"]:
                row.update(rse=trace.get("remoteSite"), status="fetched",
                           seconds=round(trace.get("transferEnd", 0) - trace.get("transferStart", 0), 3))
            if not same(held(work, file), file):
                failed.append((file, verdict(server, file, trace, os.path.exists(held(work, file)))))
        if not failed:
            return
        files = [file for file, _ in failed]
        server.again(count, min((error for _, error in failed), key=lambda error: error.code == SERVER))


def verdict(server, file, trace, there):
    """Why a file did not arrive, from what the client recorded of its last attempt."""
    what, where, why = "%(scope)s:%(name)s" % file, trace.get("remoteSite"), str(trace.get("stateReason"))
    if there or trace.get("clientState") == "FAIL_VALIDATE":
        return Error(MISMATCH, "%s: the copy at %s is not what was registered (%s); tell the site, or use rse=",
                     what, where, "size" if there else why)
    if not where:
        states = {state for row in server.list_replicas([did(key_of(file))], all_states=True)
                  for state in row["states"].items()}
        return Error(MISSING, "%s: no available replica%s (there is: %s); `rucio add-rule` makes one on disk", what,
                     " at rse=" + file["wish"] if file["wish"] else "", several(map(" ".join, sorted(states))) or "none")
    if re.search("(?i)not found|no such file|does not exist", why):
        return Error(MISSING, "%s: no available replica, as %s has lost its own; tell the site, or use rse=", what, where)
    return Error(SERVER, "%s: no transfer from %s: %s; try again later", what, where, " ".join(why.split())[:300])


class Traces(list):
    """The client's records of its transfers, where it adds one as it begins a file: then, print those that are done."""

    def __init__(self, total):
        super().__init__()
        self.total, self.count, self.lock = total, 0, threading.Lock()

    def append(self, trace):
        super().append(trace)
        self.look()

    def look(self):
        with self.lock:
            for trace in self:
                if trace.get("clientState") == "DONE" and trace.setdefault("shown", trace) is trace:
                    trace["shown"] = True
                    self.line("%(scope)s:%(filename)s" % trace, trace["filesize"] or 0,
                              trace["transferEnd"] - trace["transferStart"], trace["remoteSite"])

    def line(self, what, count, seconds, rse):
        self.count += 1
        speed = human(count / seconds) + "/s" if seconds > 0 else "-"
        say("%d/%d %s %s %s %s" % (self.count, self.total, what, human(count), speed, rse))


# --- stage-out

def local_files(entry):
    """[(path, key)]: the file, or those directly in the directory; a name that begins with a dot is no Rucio name."""
    path, scope = entry["path"], entry["scope"]
    if entry["type"] == "file":
        return [(path, key_of(entry))]
    names = [name for name in sorted(os.listdir(path)) if name[0] != "."]
    for name in names:
        if os.path.islink(path + "/" + name) or not os.path.isfile(path + "/" + name):
            raise Error(OUTPUT, "%s: %s is no regular file; Rucio datasets are flat, list it as an output of its own",
                        path, name)
    return [(path + "/" + name, (scope, name)) for name in names]


def check_outputs(manifest):
    """Refuse to upload anything unless everything that is to be uploaded exists."""
    paths = manifest.get("requires", []) + [entry["path"] + "/" * (entry["type"] == "directory")
                                            for entry in manifest["uploads"]]
    for path in paths:
        no_links(path, OUTPUT)
    gone = [path for path in paths if not (
        any(os.path.isfile(path + name) for name in os.listdir(path) if name[0] != ".") if path[-1] == "/" and
        os.path.isdir(path) else os.path.isfile(path))]
    if gone:
        raise Error(OUTPUT, "%s: no such output, or nothing in it; nothing was uploaded", several(sorted(set(gone))))


def check_uploads(server, uploads, local):
    """Choose an RSE and find out what is there; refuse what the server would refuse after hours of work."""
    admin = uploads and any(row["key"] == "admin" and row["value"] for row in server.list_account_attributes(server.account)[0])
    scopes = uploads and server.list_scopes_for_account(server.account)
    for entry in uploads:
        scope, name = key_of(entry)
        folder = entry["type"] == "directory"
        dataset = name if folder else entry.get("dataset")
        entry["dataset"] = dataset and tuple((scope + ":" + dataset).split(":")[-2:])
        files = local_files(entry) if local or not folder else []
        entry["files"] = [dict(path=path, key=key, bytes=os.path.getsize(path) if local else 1) for path, key in files]
    known = server.metadata([file["key"] for entry in uploads for file in entry["files"]]
                            + [entry["dataset"] for entry in uploads if entry["dataset"]])
    for entry in uploads:
        scope, name = key_of(entry)
        what, dataset, fail = scope + ":" + name, known.get(entry["dataset"]), entry.get("if_exists") == "fail"
        if not admin and scope not in scopes:
            raise Error(REFUSED, "%s: account %s does not own the scope %s, but %s", what, server.account, scope, several(scopes))
        if dataset and (dataset["did_type"] != "DATASET" or not dataset["is_open"]):
            raise Error(EXISTS, "%s:%s: is a %s, and takes no files; choose another name", *entry["dataset"] + (
                "closed dataset" if dataset["did_type"] == "DATASET" else dataset["did_type"].lower(),))
        if fail and (entry["type"] == "directory" and dataset or key_of(entry) in known):
            raise Error(EXISTS, "%s: exists, and if_exists is fail; choose another name, or put {run} in it", what)
        for file in entry["files"]:
            row = known.get(file["key"])
            if row and (row["did_type"] != "FILE" or local and not same(file["path"], row)):
                raise Error(EXISTS, "%s:%s: exists with other content; choose another name, or put {run} in it", *file["key"])
            file["known"] = row
        choose_rse(server, entry, dataset, admin)


def choose_rse(server, entry, dataset, admin):
    """The first RSE, by name, that can be written and has quota; but rather one where the dataset has its rule."""
    what, reasons = "%(scope)s:%(name)s" % entry, []
    with about("%s: rse=%s" % (what, entry["rse"])):
        entry["rses"] = sorted(row["rse"] for row in server.list_rses(entry["rse"]))
    entry["rules"] = server.list_did_rules(*entry["dataset"]) if dataset else []
    ruled = {rule["rse_expression"] for rule in entry["rules"]}
    for rse in sorted(entry["rses"], key=lambda rse: (rse not in ruled, rse)):
        settings, left = server.get_rse(rse), float("inf")
        if not admin:
            left = sum(row["bytes_remaining"] for row in server.get_local_account_usage(server.account, rse))
        if settings["availability_write"] and settings["deterministic"] and left >= sum(
                file["bytes"] for file in entry["files"]) and left > 0:
            entry["to"] = rse
            return
        reasons.append("%s %s" % (rse, "has %s of quota left" % human(max(left, 0)) if settings["availability_write"]
                                  and settings["deterministic"] else "cannot be written"))
    raise Error(REFUSED, "%s: %s; ask for quota, or choose another rse=", what, several(reasons))


class NoRules:
    """The client, without the rule that an upload adds for each file: rules are ours to make."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        return getattr(self.client, name) if name != "add_replication_rule" else lambda *args, **kwargs: None


def stage_out(server, uploads):
    """Upload, attach, read back, and return the rows of the receipt."""
    from rucio.client.uploadclient import UploadClient
    client, rows = UploadClient(_client=NoRules(server.client)), []
    states = {key_of(row): row["states"] for part in chunks(
        [file["key"] for entry in uploads for file in entry["files"] if file["known"]], 1000)
        for row in server.list_replicas(list(map(did, part)), all_states=True)}
    for entry in uploads:
        for file in entry["files"]:
            file["at"] = [rse for rse in entry["rses"] if states.get(file["key"], {}).get(rse) == "AVAILABLE"]
    todo = [file for entry in uploads for file in entry["files"] if not file["at"]]
    lines = Traces(len(todo))
    say("%d files to upload, %s" % (len(todo), human(sum(file["bytes"] for file in todo))))
    for entry in uploads:
        rule = dict(copies=1, rse_expression=entry["to"], lifetime=entry.get("lifetime"))
        if entry["dataset"]:
            make_dataset(server, entry, dict(rule, account=server.account, grouping="DATASET"))
        for file in entry["files"]:
            started, rse = time.time(), (file["at"] or [entry["to"]])[0]
            if not file["at"]:
                upload(server, client, file, rse)
                lines.line(":".join(file["key"]), file["bytes"], time.time() - started, rse)
            if not entry["dataset"]:
                make_rule(server, file["key"], entry, dict(rule, rse_expression=rse))
            rows.append(dict(did=":".join(file["key"]), path=file["path"], bytes=file["bytes"], rse=rse,
                             adler32=digest(file["path"], "adler32"), seconds=round(time.time() - started, 3),
                             status="present" if file["at"] else "uploaded", dataset=entry["dataset"] and ":".join(entry["dataset"])))
    for entry in uploads:
        attach(server, entry)
    return rows


def upload(server, client, file, rse):
    """One file, registered only once it is on the storage: else a killed upload burns its name."""
    what, scope, name = ":".join(file["key"]), file["key"][0], file["key"][1]
    item = dict(path=file["path"], rse=rse, did_scope=scope, did_name=name, register_after_upload=True,
                guid=uuid.uuid4().hex, transfer_timeout=int(server.settings["timeout"] + file["bytes"] / 5e5))
    for count in range(server.settings["attempts"]):
        traces = []
        try:
            with about(what):
                client.upload([item], traces_copy_out=traces)
            break
        except Exception as error:
            why = str(traces[-1].get("stateReason")) if traces else ""
            if type(error).__name__ in ("NoFilesUploaded", "NotAllFilesUploaded"):
                code = REFUSED if re.search("(?i)denied|permission|already exists", why) else SERVER
                error = Error(code, "%s: was not taken by %s: %s", what, rse, " ".join(why.split())[:300])
            server.again(count, error)
    row = server.metadata([file["key"]]).get(file["key"])
    if not row or not same(file["path"], row):
        raise Error(MISMATCH, "%s: is registered with other content than %s", what, file["path"])
    for state in (replica["states"].get(rse) for replica in server.list_replicas([did(file["key"])], all_states=True)):
        if state != "AVAILABLE":  # another program's upload was killed: only admins may correct that
            with about("%s: its replica at %s is %s" % (what, rse, state), "choose another name"):
                server.update_replicas_states(rse, [dict(did(file["key"]), state="A", bytes=row["bytes"])])


def make_rule(server, key, entry, rule):
    """One rule of this account that keeps the file at an RSE that was asked for; one that is there stays as it is."""
    def mine():
        return [row for row in server.list_did_rules(*key) if row["account"] == server.account
                and row["rse_expression"] in entry["rses"] + [entry["rse"]]]
    with about(":".join(key), "its replica is registered, but has no rule"):
        if not mine():
            with tolerate("DuplicateRule"):
                server.add_replication_rule([did(key)], **rule)
            if not mine():
                raise Error(REFUSED, "%s: the server has made no rule at %s", ":".join(key), rule["rse_expression"])


def make_dataset(server, entry, rule):
    """The dataset, made together with its one rule; one that is there keeps the rules that it has."""
    key = entry["dataset"]
    with about(":".join(key), "a name that was deleted cannot be used again"):
        if key not in server.metadata([key]):
            with tolerate("DataIdentifierAlreadyExists"):
                server.add_dataset(*key, rules=[rule])
        if not server.list_did_rules(*key):
            with tolerate("DuplicateRule"):
                server.add_replication_rule([did(key)], **rule)


@contextlib.contextmanager
def tolerate(name):
    """Pass over an exception of this class: what was to be made is there, perhaps from an attempt before."""
    try:
        yield
    except Exception as error:
        if type(error).__name__ != name:
            raise


def attach(server, entry):
    key = entry["dataset"]
    if key:
        def missing():
            there = set(map(key_of, server.list_content(*key)))
            return [did(file["key"]) for file in entry["files"] if file["key"] not in there]
        with about(":".join(key)):
            for part in chunks(missing(), 500):
                with tolerate("FileAlreadyExists"):
                    server.attach_dids(*key, dids=part)
            if missing():
                raise Error(REFUSED, "%s: the server has not attached %s", ":".join(key), missing()[0]["name"])


# --- main

def run(path):
    started, python = time.time(), other_python()
    if python:
        os.execv(python, [python, os.path.abspath(__file__), path])
    manifest = load(path)
    if python == "":
        raise Error(SECRET, "rucio: no Python here has the client; set the environment of this step to an image "
                    "with rucio-clients, such as docker.io/reanahub/reana-auth-rucio:1.1.1")
    instance, action, uploads, work = manifest["instance"], manifest["action"], manifest["uploads"], None
    private = private_directory()
    try:
        client = configure(instance, private)
        if action == "stage-out":
            check_outputs(manifest)
        capture(private + "/log")
        server = Server(client, manifest["settings"])
        check_uploads(server, uploads, action == "stage-out")
        with open(path, "rb") as stream:
            work = ".rucio-stage-%s-%s" % (instance["name"], hashlib.sha256(stream.read()).hexdigest()[:12])
        no_links(work)
        for name in ("new", "old"):
            shutil.rmtree(os.path.join(work, name), ignore_errors=True)
        os.makedirs(work, 0o700, exist_ok=True)
        rows = stage_in(server, manifest, work) if action == "stage-in" else []
        rows += stage_out(server, uploads) if action == "stage-out" else []
        receipt = dict(format=1, action=action, instance=instance["name"], account=server.account, files=rows,
                       rucio_host=client["rucio_host"], seconds=round(time.time() - started, 3),
                       outputs=[dict(did="%(scope)s:%(name)s" % entry, rse=entry["to"]) for entry in uploads])
        os.makedirs(os.path.dirname(manifest["receipt"]) or ".", exist_ok=True)
        with open(work + "/receipt", "w") as stream:
            json.dump(receipt, stream, indent=1, sort_keys=True)
        os.replace(stream.name, manifest["receipt"])
        say("%s of %s: %d files, %s, in %.1f s" % (action, instance["name"], len(rows), human(sum(
            row["bytes"] for row in rows)), time.time() - started))
    except BaseException as error:
        if os.path.isfile(private + "/log") and not isinstance(error, Stopped):
            with open(private + "/log", errors="replace") as stream:
                lines = [line.strip() for line in stream if re.match(r"\W*(\d\S* \S+\s+)?(WARN|ERROR|CRIT)", line)]
            for line in lines[-10:]:
                say("rucio: " + re.sub(r"\x1b\[\d*m|\?\S+", "", line)[:400], ERR)
        raise
    finally:
        for path in (private, work or private):
            shutil.rmtree(path, ignore_errors=True)


def stop(number, _):
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, signal.SIG_IGN)
    raise Stopped(number)


def main():
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    code = 0
    try:
        if len(sys.argv) != 2:
            raise Error(USAGE, "usage: stager.py MANIFEST.json")
        run(sys.argv[1])
    except BaseException as error:
        code = 128 + error.args[0] if isinstance(error, Stopped) else code_of(error)
        if code == 1:
            say(traceback.format_exc(), ERR)
        what = "stopped by signal" if isinstance(error, Stopped) else type(error).__name__
        say("reana-rucio: error: %s" % (error if isinstance(error, Error) else "%s: %s" % (
            what, " ".join(str(error).split()))), ERR)
    os._exit(code)  # threads of the client may be at work still, and storage libraries crash at exit


if __name__ == "__main__":
    main()
