#!/usr/bin/env python3
# ruff: noqa: E402
"""Move data between Rucio and a REANA workspace, verified:  python3 stager.py MANIFEST.json  (in the workspace).

Python >= 3.6 and rucio-clients >= 1.30. FIELDS is the shape of the manifest. A receipt is written last, only if
all went well. Exit: 0 done, 1 unexpected, 2 manifest or usage, 3 secret, proxy or configuration, 4 server
unreachable, 5 no such DID or replica, 6 checksum or size, 7 permission, quota or RSE, 8 DID exists with other
content, 9 local output missing; the last line on standard error says what and why.

A path staged in holds the right content or nothing; what is right is not fetched again, a wrong file is replaced.
A directory is replaced as a whole, and refused if it holds anything that neither belongs to it nor is listed in
the receipt of the previous run.
"""

import sys

if __name__ == "__main__":
    del sys.path[0]  # may be the workspace: the user's random.py is not the library's

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
import stat
import subprocess
import tempfile
import threading
import time
import traceback
import uuid
import zlib
from xml.etree import ElementTree

USAGE, SECRET, SERVER, MISSING, MISMATCH, REFUSED, EXISTS, OUTPUT = range(2, 10)
CODES = (  # exit code <- exceptions of the Rucio client and of requests, or their base classes
    (SECRET, "CannotAuthenticate NoAuthInformation MissingClientParameter AccountNotFound EOFError"),
    (SERVER, "ServerConnectionException RequestException ConnectionError timeout DatabaseException"),
    (MISSING, "DataIdentifierNotFound"),
    (
        REFUSED,
        "AccessDenied InsufficientAccountLimit InsufficientTargetRSEs InvalidRSEExpression RSENotFound "
        "RSEWriteBlocked RSEOverQuota ManualRuleApprovalBlocked",
    ),
    (EXISTS, "DataIdentifierAlreadyExists FileConsistencyMismatch"),
    (USAGE, "InvalidObject InputValidationError"),
)

WORD, TEXT, COUNT = r"[A-Za-z0-9][\w.-]*", r"[^\x00-\x1f\x7f]+", r"\d*[1-9]\d*"
PART = r"(?!\.\.?(?:/|\Z))[^/\x00-\x1f\x7f]+"
PATH = PART + "(?:/" + PART + ")*"
NAME = r"(?!(?:.*/)?\.\.(?:/|\Z))[^\s:\x00-\x1f\x7f]+"
URL = r"https://[^\s/]\S*|http://(?:localhost|127\.[\d.]+|\[::1\])(?:[:/]\S*)?"
FIELDS = {  # of the manifest; \d begins the pattern of a number
    "format": r"\d{0}1",
    "action": "stage-(?:in|check|out)",
    "receipt": PATH,
    "requires[]": PATH + "/?",
    "instance.name": WORD,
    "instance.rucio_host": URL,
    "instance.auth_host": URL,
    "instance.sidecar": TEXT,
    "instance.vo": TEXT,
    "instance.account": TEXT,
    "instance.auth_type": "x509_proxy|userpass|oidc",
    "instance.proxy_file": PART,
    "instance.username_env": TEXT,
    "instance.password_env": TEXT,
    "instance.token_file": PART,
    "downloads[].scope": NAME,
    "downloads[].name": NAME,
    "downloads[].type": "file|directory",
    "downloads[].path": PATH,
    "downloads[].rse": TEXT,
    "downloads[].first": COUNT,
    "uploads[].scope": NAME,
    "uploads[].name": NAME,
    "uploads[].type": "file|directory",
    "uploads[].path": PATH,
    "uploads[].rse": TEXT,
    "uploads[].dataset": r"(?:[^\s:]+:)?" + NAME,
    "uploads[].lifetime": COUNT,
    "uploads[].if_exists": "skip|fail",
    "settings.attempts": COUNT,
    "settings.backoff": r"\d+(?:\.\d+)?",
    "settings.timeout": r"\d+(?:\.\d+)?",
    "settings.threads": COUNT,
}
REQUIRED = {
    "": "format action instance receipt",
    "instance": "name auth_type",
    "downloads[]": "scope name type path",
    "uploads[]": "scope name type path rse",
}
ADD = "reana-client secrets-add --overwrite "
PEM = b"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----"
OUT, ERR = sys.stdout, sys.stderr  # ours; after capture() the file descriptors 1 and 2 are the client's
HIDDEN = []  # secrets, which no line may show


class Error(Exception):
    """A failure that the user can act on: an exit code and `what: cause; remedy`."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Stopped(BaseException):
    """SIGTERM or SIGINT; no Exception, as the client swallows those."""


# ------------------------------------------------------------------------------------------ messages


def show(stream, text):
    for secret in HIDDEN:
        text = text.replace(secret, "***")
    stream.write(text + "\n")
    stream.flush()


def say(text):
    show(OUT, text)


def capture(path):
    """Keep what the Rucio client and its libraries write on file descriptors 1 and 2 out of our output."""
    global OUT, ERR
    OUT, ERR = (open(os.dup(number), "w", errors="backslashreplace") for number in (1, 2))
    log = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    for number, target in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(target, number)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")


def human(count):
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return "%.3g %s" % (count, unit)
        count /= 1000.0


def several(texts):
    """The first three, and how many more."""
    return ", ".join(texts[:3]) + (" and %d more" % (len(texts) - 3) if texts[3:] else "")


def code_of(error):
    """The exit code that an exception means; 1 if it is unexpected."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if "SSLError" in names and re.search("(?i)certificate|alert|unknown.ca", str(error)):
        return SECRET
    if re.search(r"status code: (5\d\d|429)", str(error)):
        return SERVER
    return getattr(error, "code", 0) or next((code for code, known in CODES if names & set(known.split())), 1)


@contextlib.contextmanager
def about(what, remedy=""):
    """Turn a known exception raised inside into an Error that begins with `what`."""
    try:
        yield
    except Exception as error:
        code = code_of(error)
        if isinstance(error, Error) or code == 1:
            raise
        cause = " ".join(str(error).split())[:400] or type(error).__name__
        raise Error(code, "%s: %s%s" % (what, cause, remedy and "; " + remedy)) from error


# ------------------------------------------------------------------------------------------ manifest


def check(value, where="", kind=""):
    """Refuse what FIELDS and REQUIRED do not allow."""
    if isinstance(value, list) != (kind in ("downloads", "uploads", "requires")):
        raise Error(USAGE, "%s: must%s be a list" % (where or "manifest", " not" * isinstance(value, list)))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            check(inner, "%s[%d]" % (where, index), kind + "[]")
    elif isinstance(value, dict) and kind in ("", "instance", "settings", "downloads[]", "uploads[]"):
        for name in list(value) + REQUIRED.get(kind, "").split():
            if name not in value:
                raise Error(USAGE, "%s: is missing" % (where + "." + name).lstrip("."))
            check(value[name], (where + "." + name).lstrip("."), (kind + "." + name).lstrip("."))
    else:
        pattern = FIELDS.get(kind, r"\d{0}[^\s\S]")
        text = value if isinstance(value, str) else json.dumps(value)
        if isinstance(value, str) == pattern.startswith(r"\d") or not re.match("(?:%s)\\Z" % pattern, text):
            raise Error(USAGE, "%s: %s is not allowed here" % (where or "manifest", text[:200]))


def load(path):
    """The valid manifest; the receipt of an earlier run is removed first, its paths are kept in "previous"."""
    previous = set()
    try:
        with open(path, encoding="utf-8") as stream:
            manifest = json.load(stream)
    except (OSError, ValueError) as error:
        raise Error(USAGE, "%s: cannot be read: %s" % (path, error))
    receipt = manifest.get("receipt") if isinstance(manifest, dict) else None
    if isinstance(receipt, str) and re.match(PATH + r"\Z", receipt) and os.path.lexists(receipt):
        no_links(receipt)
        with contextlib.suppress(ValueError, KeyError, TypeError), open(receipt, encoding="utf-8") as stream:
            previous = {row["path"] for row in json.load(stream)["files"]}
        os.unlink(receipt)
    check(manifest)
    instance, uploads = manifest["instance"], manifest.setdefault("uploads", [])
    need = {"userpass": ["username_env", "password_env"], "oidc": ["token_file"]}.get(instance["auth_type"], [])
    for field in need + ["rucio_host", "auth_host"] * ("rucio_host" in instance or "auth_host" in instance):
        if field not in instance:
            raise Error(USAGE, "instance.%s: is missing" % field)
    for index, entry in enumerate(manifest.setdefault("downloads", [])):
        if entry["type"] == "file" and "*" in entry["name"]:
            raise Error(USAGE, "downloads[%d].name: a wildcard needs the type directory" % index)
    paths = sorted(entry["path"].split("/") for entry in manifest["downloads"])
    for one, two in zip(paths, paths[1:]):
        if two[: len(one)] == one:
            raise Error(
                USAGE, "downloads: %s is staged inside of %s; choose another path" % ("/".join(two), "/".join(one))
            )
    for entry in uploads:
        for field in {"name", "dataset"} & set(entry):
            if "{run}" in entry[field]:
                entry[field] = entry[field].replace("{run}", run_id())
    settings = dict({"attempts": 4, "backoff": 5.0, "timeout": 600, "threads": 4}, **manifest.get("settings", {}))
    return dict(manifest, previous=previous, settings=settings)


def run_id():
    """The UUID of the workflow, found in the path of its workspace: the same when a run is restarted."""
    pattern = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    found = (
        re.findall("/workflows/(%s)(?![^/])" % pattern, os.getcwd())
        or re.findall("/(%s)(?![^/])" % pattern, os.getcwd())[-1:]
        or [os.environ.get("RUCIO_STAGE_RUN", "")]
    )[0]
    if not re.match(WORD + r"\Z", found):
        raise Error(USAGE, "{run}: the path %s holds no UUID of a workflow; set RUCIO_STAGE_RUN" % os.getcwd())
    return found


# ------------------------------------------------------------------------------------------ files


def no_links(path, code=USAGE):
    """Refuse a path through a symbolic link, which may leave the workspace, or through a file."""
    parts = path.rstrip("/").split("/")
    for count in range(1, len(parts) + 1):
        part = "/".join(parts[:count])
        if os.path.islink(part) or count < len(parts) and os.path.isfile(part):
            raise Error(
                code,
                "%s: %s is a %s; put the real thing there"
                % (path, part, "symbolic link" if os.path.islink(part) else "file"),
            )


def is_file(path):
    return os.path.lexists(path) and stat.S_ISREG(os.lstat(path).st_mode)


def digest(path, algorithm):
    """The adler32 or md5 of a file, as Rucio writes it."""
    adler, md5 = 1, hashlib.md5()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            if algorithm == "md5":
                md5.update(block)
            else:
                adler = zlib.adler32(block, adler)
    return md5.hexdigest() if algorithm == "md5" else "%08x" % (adler & 0xFFFFFFFF)


def same(path, known):
    """Whether `path` is a regular file with the size and checksum (if any) that Rucio knows."""
    if not is_file(path) or os.path.getsize(path) != known["bytes"]:
        return False
    algorithm = "adler32" if known["adler32"] else "md5"
    return not known[algorithm] or digest(path, algorithm).lstrip("0") == known[algorithm].lstrip("0")


def write_private(path, content):
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        stream.write(content)
    return path


def private_directory():
    """A new directory, mode 0700, outside of the workspace: REANA's CWL engine has TMPDIR inside."""
    here = re.match(r".*/workflows/[^/]+|.*", os.path.realpath(".")).group() + "/"
    for place in ("/dev/shm", "/var/tmp", tempfile.gettempdir(), os.path.expanduser("~")):
        if not (os.path.realpath(place) + "/").startswith(here):
            with contextlib.suppress(OSError):
                return tempfile.mkdtemp(prefix="rucio-stage-", dir=place)
    raise Error(SECRET, "credentials: no directory outside of the workspace can be written")


# ------------------------------------------------------------------------------------------ configuration


def other_python():
    """None if this Python has the client, else the one that the `rucio` executable names, else "".

    Images need not have the client in their python3, and REANA's CWL engine replaces PATH."""
    if importlib.util.find_spec("rucio") and importlib.util.find_spec("rucio.client"):
        return None
    places = os.environ.get("PATH", "").split(":") + [
        "/usr/local/bin",
        "/usr/bin",
        "/opt/rucio/bin",
        "/opt/conda/bin",
        os.path.expanduser("~/.local/bin"),
    ]
    for place in places:
        head = ""
        with contextlib.suppress(OSError), open(place + "/rucio", errors="replace") as stream:
            head = stream.read(4096)
        # `#!/path/python -s`, `#!/usr/bin/env python3`, and what pip writes for a long path
        found = re.search(r"\A#!\s*(?:\S*/env\s+)?(\S*python\S*)|^'''exec' \"?(.+?)\"? \"\$0\"", head, re.M)
        python = found and shutil.which(found.group(1) or found.group(2), path=":".join(places))
        if python and not subprocess.call([python, "-c", "import rucio.version"], cwd="/", stderr=subprocess.DEVNULL):
            return python
    return ""


def need(path, what, remedy):
    """The path of a file, if there is one and it is not empty."""
    if not path or not os.path.isfile(path) or not os.path.getsize(path):
        raise Error(SECRET, "%s: %s; %s" % (what, "there is no " + path if path else "is not set", remedy))
    return path


def secret(name, as_file=False):
    """The value of an environment secret, or the path of a file secret."""
    if as_file:
        place = os.environ.get("RUCIO_STAGE_SECRETS", "/etc/reana/secrets")
        return need(os.path.join(place, name), "secret " + name, ADD + "--file " + name)
    if not os.environ.get(name, "").strip():
        raise Error(SECRET, "secret %s: is not set; %s--env %s=..." % (name, ADD, name))
    return os.environ[name].strip("\r\n")


def valid_proxy(name, private):
    """A private copy (libraries insist on mode 0600) of a proxy that has not expired."""
    remedy = "voms-proxy-init, then " + ADD + "--file " + (name or "x509up --env VOMSPROXY_FILE=x509up")
    path = (
        secret(name, True)
        if name
        else need(
            os.environ.get("X509_USER_PROXY"), "X509_USER_PROXY", "REANA's voms_proxy sidecar made no proxy: " + remedy
        )
    )
    with open(path, "rb") as stream:
        content = stream.read()
    chain = re.findall(PEM, content, re.S)
    if not chain or b"PRIVATE KEY-----" not in content:
        raise Error(SECRET, "proxy %s: holds no certificate and key; %s" % (path, remedy))
    decode = getattr(ssl._ssl, "_test_decode_cert", None)  # the one PEM reader of the library, but private
    for block in chain if decode else ():
        try:
            end = decode(write_private(private + "/pem", block))["notAfter"]
        except ssl.SSLError:
            raise Error(SECRET, "proxy %s: is damaged; %s" % (path, remedy))
        if ssl.cert_time_to_seconds(end) < time.time():
            raise Error(SECRET, "proxy %s: has expired on %s; %s" % (path, end, remedy))
    return write_private(private + "/proxy", content)


def authorities(named, private):
    """One file of all certificate authorities: the sidecar's bundle lies beside its rucio.cfg, not where that says."""
    import requests.certs

    env, blocks = os.environ.get, collections.OrderedDict()
    for place in (
        os.path.dirname(env("RUCIO_CONFIG", "")) + "/CERN-bundle.pem",
        named,
        env("SSL_CERT_FILE"),
        env("REQUESTS_CA_BUNDLE"),
        env("X509_CERT_DIR"),
        "/etc/pki/tls/certs/CERN-bundle.pem",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/grid-security/certificates",
        requests.certs.where(),
    ):
        for path in glob.glob(place + "/*.pem") if os.path.isdir(place or "") else [place or ""]:
            with contextlib.suppress(OSError), open(path, "rb") as stream:
                blocks.update((block, None) for block in re.findall(PEM, stream.read(), re.S))
    if not blocks:
        raise Error(SECRET, "https: found no certificate authorities; use an image with ca-certificates")
    return write_private(private + "/ca.pem", b"\n".join(blocks) + b"\n")


def configure(instance, private):
    """Write the rucio.cfg of this run, point the environment at it, return its [client] section.

    Hosts given as arguments would not reach the inner clients (facts/rucio.md section 9)."""
    env, auth, sidecar = os.environ, instance["auth_type"], configparser.RawConfigParser()
    if "rucio_host" not in instance or auth == "x509_proxy" and "RUCIO_CONFIG" in env:
        path = need(
            env.get("RUCIO_CONFIG"),
            "RUCIO_CONFIG",
            "REANA's rucio sidecar made no configuration: %s--env VONAME=... --env RUCIO_USERNAME=..." % ADD,
        )
        with about("RUCIO_CONFIG"):
            sidecar.read(path)
    theirs = dict(sidecar.items("client")) if sidecar.has_section("client") else {}
    own = "rucio_host" not in instance or env.get("VONAME", "") == instance.get("sidecar") and "rucio_host" in theirs
    client = {"auth_type": auth, "auth_token_file_path": private + "/token", "request_retries": "1"}
    for host in ("rucio_host", "auth_host"):
        client[host] = (theirs if own else instance).get(host, "")
        if not re.match("(?:%s)\\Z" % URL, client[host]):
            raise Error(
                SECRET,
                "RUCIO_CONFIG: %s is %r; see the secrets RUCIO_RUCIO_HOST, RUCIO_AUTH_HOST" % (host, client[host]),
            )
    client["account"] = instance.get("account") or env.get("RUCIO_USERNAME") or theirs.get("account")
    if not client["account"]:
        raise Error(SECRET, "account: is not known; %s--env RUCIO_USERNAME=..." % ADD)
    if "vo" in instance:
        client["vo"] = instance["vo"]
    if "https:" in client["rucio_host"] + client["auth_host"]:
        client["ca_cert"] = authorities(theirs.get("ca_cert"), private)
    drop = [name for name in env if name.startswith("RUCIO_")] + ["X509_CERT_DIR"]
    if auth == "x509_proxy":
        env["X509_USER_PROXY"] = client["client_x509_proxy"] = valid_proxy(instance.get("proxy_file"), private)
    elif auth == "userpass":
        client["username"], client["password"] = secret(instance["username_env"]), secret(instance["password_env"])
        HIDDEN.append(client["password"])
    else:
        with open(secret(instance["token_file"], True), errors="replace") as stream:
            HIDDEN.append(stream.read().strip())
        env["BEARER_TOKEN_FILE"] = write_private(client["auth_token_file_path"], HIDDEN[-1].encode())
        drop.append("BEARER_TOKEN")
    lines = ["[client]"] + ["%s = %s" % (key, value.replace("%", "%%")) for key, value in client.items()]
    for section in ("policy", "download", "upload"):  # what that VO's server expects of names and protocols
        if own and sidecar.has_section(section):
            lines += ["[%s]" % section] + ["%s = %s" % item for item in sidecar.items(section)]
    for name in drop:  # each would override the file
        env.pop(name, None)
    env.update(RUCIO_CONFIG=write_private(private + "/rucio.cfg", "\n".join(lines).encode()), TMPDIR=private)
    tempfile.tempdir = private
    for name, value in (("USER", "reana"), ("LOGNAME", "reana"), ("HOME", private)):
        env.setdefault(name, value)  # REANA's uid need not be in passwd, and the client asks for the user
    return client


# ------------------------------------------------------------------------------------------ server


class Server:
    """The methods of the Rucio client, returning lists, called again while the server does not answer."""

    def __init__(self, client, settings):
        import requests

        self.settings, self.account, self.requests = settings, client["account"], requests
        for host in sorted({client["rucio_host"], client["auth_host"]}):
            with about("server " + host, "does it run, and may this cluster reach it?"):
                self.attempt(self.ping, host.rstrip("/") + "/ping", client)
        with about("account " + self.account, "do account, credentials and vo fit together?"):
            from rucio.client import Client

            self.client = self.attempt(Client, timeout=settings["timeout"])
            self.whoami()

    def ping(self, url, client):
        """Make the cause of a failed connection known, which the client's constructor hides."""
        answer = self.requests.get(
            url, verify=client.get("ca_cert", True), cert=client.get("client_x509_proxy"), timeout=30
        )
        if answer.status_code >= 500:
            raise Error(SERVER, "server %s: answers %d" % (url, answer.status_code))

    def attempt(self, action, *args, **kwargs):
        for count in range(1, self.settings["attempts"] + 1):
            try:
                result = action(*args, **kwargs)
                return list(result) if hasattr(result, "__next__") else result
            except Exception as error:
                if code_of(error) != SERVER or count == self.settings["attempts"]:
                    raise
                self.pause(count, error)

    def pause(self, count, why):
        delay = self.settings["backoff"] * 2 ** (count - 1)
        say("again in %g s: %s" % (delay, " ".join(str(why).split())[:200]))
        time.sleep(delay)

    def __getattr__(self, name):
        return lambda *args, **kwargs: self.attempt(getattr(self.client, name), *args, **kwargs)

    def metadata(self, keys):
        """(scope, name) -> metadata of those that exist; the server omits the others and takes 1000 at a time."""
        found = {}
        for part in chunks(sorted(set(keys)), 1000):
            for row in self.get_metadata_bulk([did(key) for key in part]):
                found[row["scope"], row["name"]] = row
        return found


def did(key):
    return {"scope": key[0], "name": key[1]}


def chunks(items, length):
    return [items[start : start + length] for start in range(0, len(items), length)]


# ------------------------------------------------------------------------------------------ stage-in


def resolve(server, downloads):
    """[(entry, [metadata of a file])], each file once per entry, in the order of names."""
    plan = [
        (entry, members(server, entry) if entry["type"] == "directory" else [(entry["scope"], entry["name"])])
        for entry in downloads
    ]
    known = server.metadata(key for _, keys in plan for key in keys)
    for entry, keys in plan:
        gone = [":".join(key) for key in keys if key not in known]
        if gone:
            raise Error(MISSING, "%s: not found; see `rucio did show %s`" % (several(gone), gone[0]))
        kind = known[keys[0]]["did_type"]
        if kind != "FILE":
            raise Error(
                MISSING, "%s:%s: is a %s, not a file; list it under inputs.directories" % (keys[0] + (kind.lower(),))
            )
    return [(entry, [known[key] for key in keys]) for entry, keys in plan]


def members(server, entry):
    """The files of a dataset, of the datasets in a container, or of all that a wildcard matches."""
    scope, name = entry["scope"], entry["name"]
    with about(scope + ":" + name):
        if "*" in name:  # matched again here, as some databases ignore case
            pattern = re.compile(".*".join(map(re.escape, name.split("*"))) + r"\Z")
            roots = [
                (row["name"], row["did_type"])
                for row in server.list_dids(scope, {"name": name}, did_type="all", long=True)
                if pattern.match(row["name"])
            ]
        else:
            roots = [(name, server.get_did(scope, name)["type"])]
            if roots[0][1] == "FILE":
                raise Error(MISSING, "%s:%s: is a file, not a dataset; list it under inputs.files" % (scope, name))
        keys = set()
        for root, kind in roots:
            keys.update(
                [(scope, root)]
                if kind == "FILE"
                else [(row["scope"], row["name"]) for row in server.list_files(scope, root)]
            )
    keys = sorted(keys, key=lambda key: (key[1], key[0]))[: entry.get("first")]
    if not keys:
        raise Error(MISSING, "%s:%s: %s" % (scope, name, "matches nothing" if "*" in name else "holds no files"))
    seen = {}
    for key in keys:
        twin = seen.setdefault(os.path.basename(key[1]), key)
        if twin != key or os.path.basename(key[1]) in ("", ".", ".."):
            raise Error(
                MISSING,
                "%s:%s: cannot be one directory, as it holds %s:%s and %s:%s; stage them one by one"
                % ((scope, name) + twin + key),
            )
    return keys


def stage_in(server, manifest, work):
    """Download what is not there; returns the rows of the receipt."""
    plan, rows, wanted, uses = (
        resolve(server, manifest["downloads"]),
        [],
        collections.OrderedDict(),
        collections.Counter(),
    )
    for entry, files in plan:
        path, folder = entry["path"], entry["type"] == "directory"
        no_links(path)
        if os.path.lexists(path) and os.path.isdir(path) != folder:
            raise Error(USAGE, "%s: is not a %s; remove it, or choose another path" % (path, entry["type"]))
        places = [(path + "/" + os.path.basename(file["name"]) if folder else path, file) for file in files]
        extra = set(os.listdir(path) if folder and os.path.isdir(path) else ()) - {
            os.path.basename(p) for p, _ in places
        }
        foreign = sorted(extra - {os.path.basename(p) for p in manifest["previous"] if os.path.dirname(p) == path})
        if foreign:
            raise Error(
                MISMATCH,
                "%s: holds %s, not part of %s:%s; remove it, or choose another path"
                % (path, several(foreign), entry["scope"], entry["name"]),
            )
        entry["right"] = {place for place, file in places if same(place, file)}
        entry["places"], entry["done"] = places, len(entry["right"]) == len(places) and not extra
        for place, file in places:
            key = file["scope"], file["name"]
            rows.append(
                {
                    "did": ":".join(key),
                    "path": place,
                    "bytes": file["bytes"],
                    "adler32": file["adler32"],
                    "md5": file["md5"],
                    "rse": None,
                    "seconds": 0,
                    "status": "present",
                }
            )
            if place not in entry["right"]:
                uses[key] += 1
                wanted.setdefault(key, dict(file, expression=entry.get("rse"), rows=[]))["rows"].append(rows[-1])
    fetch_all(server, list(wanted.values()), work)
    for entry, _ in plan:
        if not entry["done"]:
            deliver(entry, work, uses)
    return rows


def held(work, file):
    """Where the client puts a file: its name without a leading slash, in the directory given."""
    return os.path.join(work, "get", file["scope"], file["name"].lstrip("/"))


def deliver(entry, work, uses):
    """Move verified content to its path, in one step."""
    path, folder = entry["path"], entry["type"] == "directory"
    new, old = os.path.join(work, "new"), os.path.join(work, "old")
    if folder:
        os.mkdir(new)
    for place, file in entry["places"]:
        target = os.path.join(new, os.path.basename(place)) if folder else new
        key = file["scope"], file["name"]
        uses[key] -= place not in entry["right"]
        if place in entry["right"]:
            shutil.copyfile(place, target)
        elif uses[key]:
            shutil.copyfile(held(work, file), target)
        else:
            os.rename(held(work, file), target)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    if folder and os.path.isdir(path):
        os.rename(path, old)
    os.rename(new, path)
    shutil.rmtree(old, ignore_errors=True)


def fetch_all(server, wanted, work):
    """Download into the work directory; what a killed run left there and is right is kept."""
    todo = [file for file in wanted if not same(held(work, file), file)]
    say("%d files, %s to fetch" % (len(todo), human(sum(file["bytes"] for file in todo))))
    if todo:
        from rucio.client.downloadclient import DownloadClient

        client = DownloadClient(client=server.client)
        groups = collections.OrderedDict()
        for file in todo:
            groups.setdefault((file["scope"], file["expression"], not (file["adler32"] or file["md5"])), []).append(
                file
            )
        progress = Progress(len(todo))
        for group, files in groups.items():
            for part in chunks(files, 200):
                fetch(server, client, group, part, work, progress)


def fetch(server, client, group, files, work, progress):
    """Download files of one scope, at most 200, and again those that failed for a while.

    The client gets its list of sources as a file, which spares it two requests per file."""
    scope, expression, unchecked = group
    for file in files:
        os.makedirs(os.path.dirname(held(work, file)), exist_ok=True)
    for count in range(1, server.settings["attempts"] + 1):
        path = os.path.join(work, "sources.meta4")
        ElementTree.ElementTree(sources(server, client, expression, files)).write(path)
        item = {
            "base_dir": os.path.join(work, "get", scope),
            "no_subdir": True,
            "no_resolve_archives": True,
            "ignore_checksum": unchecked,
            "transfer_timeout": int(server.settings["timeout"] + max(file["bytes"] for file in files) / 5e5),
        }
        with progress.watching() as traces:
            client.download_from_metalink_file(
                item,
                path,
                num_threads=server.settings["threads"],
                traces_copy_out=traces,
                deactivate_file_download_exceptions=True,
            )
        states = {(trace["scope"], trace["filename"]): trace for trace in traces}
        failed = []
        for file in files:
            trace = states.get((file["scope"], file["name"]), {})
            for row in file["rows"]:
                row.update(
                    rse=trace.get("remoteSite"),
                    status="fetched",
                    seconds=round(trace.get("transferEnd", 0) - trace.get("transferStart", 0), 3),
                )
            if not same(held(work, file), file):
                failed.append((verdict(file, trace, os.path.exists(held(work, file))), file))
        if not failed:
            return
        failed.sort(key=lambda pair: pair[0].code == SERVER)
        if failed[0][0].code != SERVER or count == server.settings["attempts"]:
            raise failed[0][0]
        server.pause(count, failed[0][0])
        files = [file for _, file in failed]


def verdict(file, trace, there):
    """Why a file did not arrive, from what the client traced of its last attempt."""
    what = "%(scope)s:%(name)s" % file
    why, where = " ".join(str(trace.get("stateReason", "")).split())[:300], trace.get("remoteSite")
    if there or trace.get("clientState") == "FAIL_VALIDATE":
        return Error(
            MISMATCH,
            "%s: the copy at %s is not what Rucio registered (%s); report it to the site, or choose "
            "another with rse=" % (what, where, why if not there else "size"),
        )
    if re.search("(?i)not found|no such file|does not exist", why):
        return Error(MISSING, "%s: no available replica, %s has lost it; report it to the site" % (what, where))
    return Error(SERVER, "%s: transfer from %s failed: %s; try again later" % (what, where, why))


def sources(server, client, expression, files):
    """A metalink for the client: available replicas, not on tape, best first."""
    dids = [did((file["scope"], file["name"])) for file in files]
    with about("rse=%s" % expression):
        rows = {
            (row["scope"], row["name"]): row
            for row in server.list_replicas(
                dids,
                rse_expression=expression,
                ignore_availability=False,
                client_location=client.client_location,
                resolve_archives=False,
            )
        }
    root = ElementTree.Element("metalink", xmlns="urn:ietf:params:xml:ns:metalink")
    for file in files:
        row = rows.get((file["scope"], file["name"]), {"pfns": {}})
        urls = sorted((url["priority"], pfn, url["rse"]) for pfn, url in row["pfns"].items() if url["type"] != "TAPE")
        what, node = "%(scope)s:%(name)s" % file, ElementTree.SubElement(root, "file")
        if not urls:
            states = [
                state
                for row in server.list_replicas([did((file["scope"], file["name"]))], all_states=True)
                for state in row["states"].items()
            ]
            raise Error(
                MISSING,
                "%s: no available replica%s (%s); `rucio rule add` makes one on disk"
                % (
                    what,
                    " for rse=" + expression if expression else "",
                    several(["%s %s" % state for state in sorted(states)]) or "there is none",
                ),
            )
        ElementTree.SubElement(node, "identity").text = what
        ElementTree.SubElement(node, "size").text = str(file["bytes"])
        for algorithm in ("adler32", "md5"):
            if file[algorithm]:
                ElementTree.SubElement(node, "hash", type=algorithm).text = file[algorithm]
        for priority, pfn, rse in urls:
            ElementTree.SubElement(node, "url", location=rse, priority=str(priority)).text = pfn
    return root


class Progress:
    """A line for each file as it finishes."""

    def __init__(self, total):
        self.total, self.count = total, 0

    def line(self, what, bytes_, seconds, rse):
        self.count += 1
        say(
            "%d/%d %s %s %s/s %s"
            % (self.count, self.total, what, human(bytes_), human(bytes_ / max(seconds, 1e-3)), rse)
        )

    @contextlib.contextmanager
    def watching(self):
        """A list for the client's traces, looked at five times a second: the client returns only when all is done."""
        traces, shown, over = [], set(), threading.Event()

        def look():
            last = False
            while not last:
                last = over.wait(0.2)
                for number, trace in enumerate(list(traces)):
                    if trace.get("clientState") == "DONE" and "transferEnd" in trace and number not in shown:
                        shown.add(number)
                        self.line(
                            "%(scope)s:%(filename)s" % trace,
                            trace["filesize"] or 0,
                            trace["transferEnd"] - trace["transferStart"],
                            trace["remoteSite"],
                        )

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield traces
        finally:
            over.set()
            thread.join()


# ------------------------------------------------------------------------------------------ main


def run(path):
    started = time.time()
    python = other_python()
    if python:
        os.execv(python, [python, os.path.abspath(__file__), path])
    manifest = load(path)
    if python == "":
        raise Error(SECRET, "rucio: no Python here has the Rucio client; use an image with rucio-clients")
    instance, action = manifest["instance"], manifest["action"]
    private = private_directory()
    with open(path, "rb") as stream:
        work = ".rucio-stage-%s-%s" % (instance["name"], hashlib.sha256(stream.read()).hexdigest()[:12])
    try:
        client = configure(instance, private)
        capture(private + "/log")
        server = Server(client, manifest["settings"])
        no_links(work)
        for name in ("new", "old"):
            shutil.rmtree(os.path.join(work, name), ignore_errors=True)
        os.makedirs(work, 0o700, exist_ok=True)
        rows = stage_in(server, manifest, work)
        receipt = {
            "format": 1,
            "action": action,
            "instance": instance["name"],
            "account": server.account,
            "rucio_host": client["rucio_host"],
            "files": rows,
            "seconds": round(time.time() - started, 3),
        }
        os.makedirs(os.path.dirname(manifest["receipt"]) or ".", exist_ok=True)
        with open(os.path.join(work, "receipt"), "w") as stream:
            json.dump(receipt, stream, indent=1, sort_keys=True)
        os.replace(stream.name, manifest["receipt"])
        say("done")
    finally:
        shutil.rmtree(private, ignore_errors=True)
        shutil.rmtree(work, ignore_errors=True)


def main():
    try:
        if len(sys.argv) != 2:
            raise Error(USAGE, "usage: stager.py MANIFEST.json")
        run(sys.argv[1])
        code = 0
    except Error as error:
        code = error.code
        show(ERR, "reana-rucio: error: %s" % error)
    except BaseException as error:
        code = 1
        show(ERR, traceback.format_exc())
        show(ERR, "reana-rucio: error: unexpected: %s" % error)
    os._exit(code)


if __name__ == "__main__":
    main()
