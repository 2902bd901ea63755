#!/usr/bin/env python3
"""Move data between Rucio and a REANA workspace, the current directory: stager.py MANIFEST.json NAME=VALUE...

Needs Python >= 3.6 and rucio-clients >= 1.30. FIELDS describes the manifest; VALUE replaces {NAME} in it. The
last thing written is a receipt or, as the last line on stderr, the cause of a failure.

What is staged in is there as a whole and right, or not at all. What is there and right stays, what is wrong
is replaced; a directory that holds what does not belong to it is refused.
A section "X only", up to the next "# ---", is not here where no manifest of the specification has X.
"""
import sys

if __name__ == "__main__":
    del sys.path[0]  # may be the workspace: its random.py is not the library's

import configparser
import copy
import errno
import fcntl
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
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from os.path import basename, dirname, getsize, isdir, isfile, islink
from xml.etree import ElementTree

USAGE, SECRET, SERVER, MISSING, MISMATCH, REFUSED, EXISTS, OUTPUT = range(2, 10)  # exit codes; 1: unexpected
CODES = {  # exceptions of the client and of requests, or their base classes
    SECRET: "CannotAuthenticate|NoAuthInfo|Missing(Client|Dependency)|AccountNotFound|EOFError|ImportError",
    SERVER: "ServerConnectionException|RequestException|ConnectionError|[Tt]imeout|DatabaseException|"
            "ServiceUnavailable|DecodeError|ParseError|Temporary(Unavailable|Failed)",
    MISSING: "DataIdentifierNotFound",
    REFUSED: "AccessDenied|Insufficient(AccountLimit|TargetRSEs)|Invalid(RSEExpression|ReplicationRule)|"
             "RSE(NotFound|WriteBlocked|OverQuota|ProtocolNotSupported)|ManualRuleApprovalBlocked|"
             "RuleRequiresLifetime|LifetimeConflict|UnsupportedOperation",
    EXISTS: "DataIdentifierAlreadyExists|FileConsistencyMismatch",
    USAGE: "InvalidObject|InputValidationError|FileExistsError|NotADirectoryError"}
FULL = "ENOSPC EDQUOT EFBIG EROFS EACCES EPERM"  # of the workspace, which others must mend
BAD = r"\x00-\x1f\x7f-\x9f\ud800-\udfff"
TEXT, PART = "[^%s]+" % BAD, r"(?!\.\.?(?:/|\Z))[^/%s]+" % BAD
PATH, NAME = PART + "(?:/%s)*" % PART, r"(?!(?:.*/)?\.\.(?:/|\Z))[^\s:%s]+" % BAD
SCOPE = r"(?!\.\.?\Z)[^\s:/%s]+" % BAD  # it names a directory of ours
WORD = r"[A-Za-z0-9][\w.-]*"
URL = r"(?:https://[^\s/@\\]+|http://(?:localhost|127\.[\d.]+|\[::1\])(?::\d+)?)(?:/\S*)?"  # no passwords
FIELDS = {  # of an object ("!" = required): an object, a list [], a type of number, or the pattern of a text
    "manifest": {"format!": int, "action!": "stage-(?:in|check|out)", "instance!": {}, "receipt!": PATH,
                 "downloads": [{}], "uploads": [{}], "requires": [PATH + "/?"], "settings": {}},
    "instance": {"name!": WORD, "rucio_host": URL, "auth_host": URL, "sidecar": TEXT, "vo": TEXT,
                 "account": TEXT, "auth_type!": "x509_proxy|userpass|oidc", "proxy_file": PART,
                 "username_env": TEXT, "password_env": TEXT, "token_file": PART},
    "downloads": {"scope!": SCOPE, "name!": NAME, "type!": "file|directory|member", "path!": PATH,
                  "rse": TEXT, "first": int,  # "member": the file of a dataset that is named as the path ends
                  "contents": "locked", "lock": {}},
    "lock": {"files": [TEXT], "length": int, "bytes": float, "digest": TEXT},  # files: as line_of() has them
    "uploads": {"scope!": SCOPE, "name!": NAME, "type!": "file|directory", "path!": PATH, "rse!": TEXT,
                "dataset": r"(?:[^\s:]+:)?" + NAME, "prefix": NAME, "lifetime": int,
                "if_exists": "skip|fail"},
    "settings": {"attempts": int, "backoff": float, "timeout": float, "threads": int, "keep": int}}
NEVER = r"(?i)denied|permission|RSE not reachable|(?<![\w/.-])507(?![\w/.-])|insufficient"  # of storages
LACKS = r"Missing dependency|xrd\w+: not found|directory: 'xrd"  # of images without gfal2 or xrootd
IMAGE = "use an image with %s, such as docker.io/reanahub/reana-auth-rucio:1.1.1"
SHOWS = "`rucio list-%s` shows what there is"
ADD = "reana-client secrets-add --overwrite --"
PEM = b"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----"
OUT, ERR = sys.stdout, sys.stderr  # ours; after capture() file descriptors 1 and 2 are the client's
PROXIES = []  # path, end and remedy of each that is used
HIDDEN = set()  # secrets, which no line may show


class Error(Exception):
    """A failure that the user can act on: an exit code, and `what: cause; remedy`."""

    def __init__(self, code, text, *args):
        super().__init__(text % args if args else text)
        self.code = code


class Stopped(BaseException):
    """SIGTERM, SIGINT, or watch()'s SIGALRM; no Exception: the client swallows those."""


# --- messages

def say(text, stream=None):
    for secret in filter(None, list(HIDDEN)):
        text = text.replace(secret, "***")
    text = re.sub(r"://\S*@", "://***@", text)  # passwords in URLs, and signatures
    text = re.sub(r"(://[^\s?]*\?)\S+", r"\1***", text)
    text = re.sub("[^\n -~\xa0-\U0010ffff]", "?", text)  # nor do servers write to a terminal
    print(text + "\n", end="", file=stream or OUT, flush=True)  # in one piece


def capture(path):
    """Keep what the client and its libraries write to file descriptors 1 and 2 out of our output."""
    global OUT, ERR
    OUT, ERR = (os.fdopen(os.dup(number), "w", errors="backslashreplace") for number in (1, 2))
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, target in enumerate((os.open(os.devnull, os.O_RDONLY), log, log)):
        os.dup2(target, number)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")


def human(count):
    power = min(4, (len(str(int(count))) - 1) // 3)
    return "%.3g %s" % (count / 1000.0 ** power, "B kB MB GB TB".split()[power])


def brief(what):
    """A text on one line, or the first of some."""
    if isinstance(what, list):
        return ", ".join(what[:3]) + (" and %d more" % len(what[3:]) if what[3:] else "")
    return " ".join(str(what).split())[:300] or type(what).__name__


def code_of(error):
    """The exit code that an exception means; 1 if it is unexpected."""
    names = " ".join(base.__name__ for base in type(error).__mro__)
    if "SSLError" in names and re.search("(?i)certificate|alert|unknown.ca", str(error)):
        return SECRET
    if re.search(r"status code: (5\d\d|429)", str(error)):
        return SERVER
    if type(error) in (OSError, PermissionError) and errno.errorcode.get(error.errno) in FULL.split():
        return REFUSED
    if isinstance(error, Error):
        return error.code
    return next((code for code in CODES if re.search(CODES[code], names)), 1)


@contextmanager
def about(what, remedy="the lines above may tell more"):
    """Make a known exception inside an Error that begins with `what`."""
    try:
        yield
    except Exception as error:
        if isinstance(error, Error) or code_of(error) == 1:
            raise
        raise Error(code_of(error), "%s: %s; %s", what, brief(error), remedy) from error


class Traces(list):
    """The client's records of transfers, which it adds as they begin; then, others may be done."""

    def __init__(self, total):
        self.total, self.count, self.lock = total, 0, threading.Lock()

    def append(self, trace):
        super().append(trace)
        self.look()

    def look(self):
        with self.lock:
            for trace in self:
                if trace.get("clientState") == "DONE" and "shown" not in trace:
                    trace["shown"] = True
                    self.line("%(scope)s:%(filename)s" % trace, trace["filesize"] or 0,
                              trace["transferEnd"] - trace["transferStart"], trace["remoteSite"])

    def line(self, what, count, seconds, rse):
        self.count += 1
        speed = human(count / seconds) + "/s" if seconds > 0 else "-"
        say("%d/%d %s %s %s %s" % (self.count, self.total, what, human(count), speed, rse))


# --- manifest

def check(value, shape, where="manifest"):
    """Refuse a value that FIELDS does not allow; `where` locates it."""
    name = where.rpartition(".")[2].split("[")[0]
    if shape == {} and isinstance(value, dict):
        fields, prefix = FIELDS[name], "" if where == "manifest" else where + "."
        for field in [field[:-1] for field in fields if field[-1] == "!"] + sorted(value):
            if field not in value:
                raise Error(USAGE, "%s%s: is missing", prefix, field)
            check(value[field], fields.get(field, fields.get(field + "!", ())), prefix + field)
    elif isinstance(shape, list) and isinstance(value, list):
        for index, item in enumerate(value):
            check(item, shape[0], "%s[%d]" % (where, index))
    elif not ((isinstance(shape, str) and isinstance(value, str) and re.fullmatch(shape, value))
              or (shape is int and type(value) is int and 0 < value < 1e12)
              or (shape is float and type(value) in (int, float) and 0 <= value < 1e18)):
        raise Error(USAGE, "%s: %s is not allowed here", where, json.dumps(value)[:200])


def load(path, *words):
    """The valid manifest, with {NAME} and {run} replaced. The receipt of an earlier run goes first."""
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        for name, _, value in (word.partition("=") for word in words):
            text = text.replace("{%s}" % name, json.dumps(value)[1:-1])
        manifest = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise Error(USAGE, "%s: cannot be read: %s", path, error) from None
    with suppress(Error, AttributeError, FileNotFoundError):
        receipt = manifest.get("receipt")
        check(receipt, PATH)
        no_links(receipt)
        os.unlink(receipt)
    check(manifest, {})
    if manifest["format"] != 1:
        raise Error(USAGE, "format: %d is not known", manifest["format"])
    for entry in manifest.setdefault("downloads", []) + manifest.setdefault("uploads", []):
        entry["path"] = native(entry["path"])
    manifest["requires"] = list(map(native, manifest.get("requires", [])))
    apart(entry["path"] for entry in manifest["downloads"])
    for entry in manifest["uploads"]:
        for field in {"name", "dataset", "prefix"} & set(entry):
            entry[field] = re.sub(re.escape("{run}"), run_id, entry[field])
    settings = dict(dict(attempts=4, backoff=5, timeout=600, threads=4), **manifest.get("settings", {}))
    mark = hashlib.sha256(text.encode()).hexdigest()[:12]  # two may run in one workspace
    return dict(manifest, settings=settings, work=".rucio-stage-%s-%s" % (manifest["instance"]["name"], mark))


def apart(paths):
    """Refuse paths of which one is, or is inside of, another."""
    parts = sorted(path.split("/") for path in paths)
    for one, two in zip(parts, parts[1:]):
        if two[:len(one)] == one:
            raise Error(USAGE, "downloads: %s is, or is inside of, %s, staged too",
                        "/".join(two), "/".join(one))


def native(path):
    """In the C locale Python 3.6 has bytes for what is not ASCII."""
    return os.fsdecode(path.encode("utf-8", "surrogatepass"))


def run_id(_):
    """The UUID of the workflow, from the path of its workspace: the same when a run is restarted."""
    here, pattern = os.getcwd() + "/", "/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=/)"
    found = (re.findall("/workflows" + pattern, here) or re.findall(pattern, here)[-1:]
             or [os.environ.get("RUCIO_STAGE_RUN", "")])[0]
    if not re.fullmatch(WORD, found):
        raise Error(USAGE, "{run}: %s is in no workspace with a UUID; set RUCIO_STAGE_RUN", here)
    return found


# --- files

def no_links(path, code=USAGE):
    """Refuse a path through a symbolic link, which may leave the workspace, or through a file."""
    parts = path.rstrip("/").split("/")
    for count in range(1, len(parts) + 1):
        part = "/".join(parts[:count])
        if islink(part) or (count < len(parts) and isfile(part)):
            raise Error(code, "%s: %s is a symbolic link or a file; put the real thing there", path, part)


def digest(path, md5=None):
    """The adler32 of a file, or its md5 with an md5 object, as Rucio writes them."""
    adler = 1
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            if md5:
                md5.update(block)
            else:
                adler = zlib.adler32(block, adler)
    return md5.hexdigest() if md5 else "%08x" % adler


def same(path, known):
    """Whether `path` is a file with the size and checksum (if any) that Rucio knows."""
    if islink(path) or not isfile(path) or getsize(path) != known["bytes"]:
        return False
    if known["adler32"]:
        return digest(path).lstrip("0") == known["adler32"].lstrip("0")
    return not known["md5"] or digest(path, hashlib.md5()) == known["md5"]


def write_private(path, content):
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        stream.write(content)
    return path


def private_directory():
    """A new directory, mode 0700, outside of the workspace, where CWL has TMPDIR and HOME."""
    for place in ("/dev/shm", "/var/tmp"):
        with suppress(OSError):
            return tempfile.mkdtemp(prefix="rucio-stage-", dir=place)
    raise Error(SECRET, "credentials: neither /dev/shm nor /var/tmp can be written")


def locked(path, wait=False):
    """Lock a directory for this process. False: another has it, or it is gone; None: unknown."""
    try:
        folder = os.open(path, os.O_DIRECTORY | os.O_NOFOLLOW)
        fcntl.flock(folder, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        return os.stat(path).st_ino == os.fstat(folder).st_ino
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError:  # a file system without locks
        return None


def alone(work):
    """Make the work directory, for one process at a time; remove those that killed processes left.

    Not what changed in a day: where locks are a node's own, another pod may be at work in it."""
    for path in glob.glob(".rucio-stage-*-" + "[0-9a-f]" * 12):
        with suppress(OSError, ValueError):
            changed = max(os.lstat(place).st_mtime for place, _, _ in os.walk(path))
            if path != work and changed < time.time() - 86400 and locked(path):
                shutil.rmtree(path, True)
    waits = False
    while True:
        os.makedirs(work, 0o700, exist_ok=True)
        if locked(work, waits) is not False:
            return work
        if not waits:
            say("another process works on the same list; waiting for it")
        waits = True


# --- configuration

def other_python():
    """None if this Python has the client, else the one that the `rucio` executable names, else "".

    Images need not have the client in their python3, and REANA's CWL engine replaces PATH."""
    if importlib.util.find_spec("rucio") and importlib.util.find_spec("rucio.client"):
        return None
    places = [os.environ.get("PATH", ""), "/usr/local/bin:/usr/bin:/opt/rucio/bin:/opt/conda/bin",
              os.path.expanduser("~/.local/bin")]
    for place in ":".join(places).split(":"):
        head = ""
        with suppress(OSError), open(place + "/rucio", errors="replace") as stream:
            head = stream.read(4096)
        # the last is what pip writes for a long path
        found = re.search(r"\A#!\s*(?:\S*/env\s+)?(\S*python\S*)|^'{3}exec' \"?(.+?)\"? \"\$0\"", head, re.M)
        python = found and shutil.which(found.group(1) or found.group(2), path=":".join(places))
        if python and not subprocess.call([python, "-c", "import rucio"], cwd="/", stderr=subprocess.DEVNULL):
            return python
    return ""


def need(path, what, remedy):
    if not path or not isfile(path) or not getsize(path):
        raise Error(SECRET, "%s: %s; %s", what, "there is no " + path if path else "is not set", remedy)
    return path


def secret(instance, field):
    """The value of the environment secret, or the path of the file secret, that the instance names."""
    if field not in instance:
        raise Error(USAGE, "instance.%s: is missing", field)
    name = instance[field]
    if field.endswith("_file"):
        place = os.environ.get("RUCIO_STAGE_SECRETS", "/etc/reana/secrets")
        return need(place + "/" + name, "secret " + name, ADD + "file " + name)
    value = os.environ.get(name, "").strip("\r\n")
    if not re.fullmatch(r"[!-~\xa1-\xff][ -~\xa0-\xff]*", value):
        raise Error(SECRET, "secret %s: is not set, or cannot be sent; %senv %s=...", name, ADD, name)
    return value


def valid_proxy(instance, private):
    """A private copy (libraries insist on mode 0600) of a proxy that has not expired."""
    remedy = "voms-proxy-init, then %sfile %s" % (
        ADD, instance.get("proxy_file", "x509up --env VOMSPROXY_FILE=x509up"))
    path = secret(instance, "proxy_file") if "proxy_file" in instance else need(
        os.environ.get("X509_USER_PROXY"), "X509_USER_PROXY", remedy)
    with open(path, "rb") as stream:
        content = stream.read()
    copy, chain, ends = write_private(private + "/proxy", content), re.findall(PEM, content, re.S), []
    with suppress(OSError):  # the library's one reader of certificates is private
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(copy, password="")  # nor asks for one
        chain = [ssl._ssl._test_decode_cert(write_private(private + "/pem", block)) for block in chain]
        ends = [[one[key] for one in chain] for key in ("notBefore", "notAfter")]
    if not chain or not ends:
        raise Error(SECRET, "proxy %s: is no certificate with its key; %s", path, remedy)
    begin, end = (key(times, key=ssl.cert_time_to_seconds) for key, times in zip((max, min), ends))
    PROXIES.append((path, end, remedy))
    in_time(*PROXIES[-1])
    if ssl.cert_time_to_seconds(begin) > time.time() + 300:
        raise Error(SECRET, "proxy %s: is not valid before %s, by the clock here; %s", path, begin, remedy)
    return copy


def in_time(path, end, remedy):
    if ssl.cert_time_to_seconds(end) < time.time():
        raise Error(SECRET, "proxy %s: has expired on %s, by the clock here; %s", path, end, remedy)


def authorities(named, private):
    """All certificate authorities in a file; the sidecar's are beside its rucio.cfg, not where that says."""
    import requests.certs
    blocks, beside = set(), dirname(os.environ.get("RUCIO_CONFIG", ""))
    for place in (beside + "/CERN-bundle.pem", named, os.environ.get("X509_CERT_DIR"), requests.certs.where(),
                  "/etc/pki/tls/certs/CERN-bundle.pem", "/etc/pki/tls/certs/ca-bundle.crt",
                  "/etc/ssl/certs/ca-certificates.crt", "/etc/grid-security/certificates"):
        for path in glob.glob(place + "/*.pem") if isdir(place or "") else [place or ""]:
            with suppress(OSError), open(path, "rb") as stream:
                blocks.update(re.findall(PEM, stream.read(), re.S))
    if not blocks:
        raise Error(SECRET, "https: no certificate authorities found; use an image with ca-certificates")
    return write_private(private + "/ca.pem", b"\n".join(blocks) + b"\n")


def configure(instance, private):
    """Write the rucio.cfg of this run, point the environment at it, return its [client] section.

    Hosts given as arguments would not reach the inner clients."""
    env, auth, sidecar = os.environ, instance["auth_type"], configparser.RawConfigParser()
    given = env.get("RUCIO_CONFIG", "")
    if "rucio_host" not in instance or (auth == "x509_proxy" and given and "proxy_file" not in instance):
        need(given, "RUCIO_CONFIG", "REANA's rucio sidecar needs secrets: "
             + ADD + "env VONAME=... --env RUCIO_USERNAME=...")
    if "rucio_host" not in instance or auth == "x509_proxy":
        try:
            sidecar.read(given)
        except (configparser.Error, ValueError) as error:
            raise Error(SECRET, "RUCIO_CONFIG: cannot be read: %s", type(error).__name__) from None
    theirs = dict(sidecar.items("client")) if sidecar.has_section("client") else {}
    own = "rucio_host" not in instance or (
        "rucio_host" in theirs and env.get("VONAME") == instance.get("sidecar", ""))
    client = dict(auth_type=auth, auth_token_file_path=private + "/token", request_retries="1")
    for host in ("rucio_host", "auth_host"):
        client[host] = (theirs if own else instance).get(host, "")
        if not re.fullmatch(URL, client[host]):
            raise Error(SECRET if own else USAGE, "%s.%s: '%s' is no https URL",
                        "RUCIO_CONFIG" if own else "instance", host, client[host])
    client["account"] = instance.get("account") or env.get("RUCIO_USERNAME") or theirs.get("account")
    if not client["account"]:
        raise Error(SECRET, "account: is not known; %senv RUCIO_USERNAME=...", ADD)
    if "vo" in instance:
        client["vo"] = instance["vo"]
    if "https:" in client["rucio_host"] + client["auth_host"]:
        client["ca_cert"] = authorities(theirs.get("ca_cert"), private)
    drop = "RUCIO_|X509_CERT_DIR$"  # would override the file
    if auth == "x509_proxy":
        env["X509_USER_PROXY"] = client["client_x509_proxy"] = valid_proxy(instance, private)
    elif auth == "userpass":
        client["username"] = secret(instance, "username_env")
        client["password"] = secret(instance, "password_env")
        word = client["password"]
        HIDDEN.update([word, repr(word)[1:-1], brief(word)])
    else:
        with open(secret(instance, "token_file"), errors="replace") as stream:
            token = stream.read().strip()
        if not re.fullmatch("[!-~]+", token):
            raise Error(SECRET, "secret %(token_file)s: is empty, or no token" % instance)
        env["BEARER_TOKEN_FILE"] = write_private(client["auth_token_file_path"], token.encode())
        drop += "|BEARER_TOKEN$"
    lines = ["[client]"] + ["%s = %s" % (name, client[name].replace("%", "%%")) for name in client]
    for section in ("policy", "download", "upload"):  # what that server expects of names and protocols
        if own and sidecar.has_section(section):
            lines += ["[%s]" % section] + ["%s = %s" % item for item in sidecar.items(section)]
    for name in filter(re.compile(drop).match, list(env)):
        del env[name]
    env["RUCIO_CONFIG"] = write_private(private + "/rucio.cfg", "\n".join(lines).encode())
    env["TMPDIR"] = tempfile.tempdir = private
    for name in ("USER", "LOGNAME", "HOME"):  # REANA's uid may not be in passwd
        env.setdefault(name, private if name == "HOME" else "reana")
    return client


# --- server

class Server:
    """The methods of the client, returning lists, and called again while the server does not answer."""

    most = 1 << 27  # bytes of an answer

    def __init__(self, client, settings):
        import requests
        self.settings, self.account = settings, client["account"]
        options = dict(verify=client.get("ca_cert", True))

        def patient(session, request, **kwargs):  # some wait 300 s
            HIDDEN.add(request.headers.get("X-Rucio-Auth-Token"))
            return send(session, request, **dict(kwargs, timeout=settings["timeout"]))

        def rebuild(session, request, response):
            # what a server sends elsewhere goes without password and token of Rucio, which requests keeps
            if session.should_strip_auth(response.request.url, request.url):
                for name in [name for name in request.headers if name.lower().startswith("x-rucio-")]:
                    del request.headers[name]
            return usual(session, request, response)

        def read(*args, **kwargs):
            left = self.most
            for block in body(*args, **kwargs):
                left -= len(block)
                if left < 0:
                    raise nonsense("it does not end")
                yield block

        send, requests.Session.send = requests.Session.send, patient
        usual, requests.Session.rebuild_auth = requests.Session.rebuild_auth, rebuild
        body, requests.Response.iter_content = requests.Response.iter_content, read
        for host in sorted({client["rucio_host"], client["auth_host"]}):
            with about("server " + host, "is it up, and reachable from here?"):  # the client hides why not
                self.attempt(requests.get, host, cert=client.get("client_x509_proxy"), **options)
        with about("account " + self.account, "do account, credentials and vo fit together?"):
            from rucio.client import Client
            try:
                self.client = self.attempt(Client)
                me = self.whoami()
            except Exception as error:
                if type(error).__name__ != "CannotAuthenticate":  # also after a 503
                    raise
                status = requests.get(client["auth_host"], **options).status_code
                raise Error(SERVER, "server %s: logins: status code: %d; try again later",
                            client["auth_host"], status) if status >= 500 else error
            if not isinstance(me, dict) or "account" not in me:
                raise Error(SERVER, "server %s: is no Rucio server; is it right?", client["rucio_host"])

    def attempt(self, action, *args, **kwargs):
        for count in range(self.settings["attempts"]):
            try:
                with watch(4 * self.settings["timeout"] + 1):
                    result = action(*args, **kwargs)
                    return list(result) if hasattr(result, "__next__") else result
            except Exception as error:
                self.again(count, error)

    def again(self, count, error):
        """Raise the error, or wait before the next attempt."""
        if re.search(LACKS, str(error)):
            raise Error(SECRET, "%s; " + IMAGE, str(error).rpartition("; ")[0], "gfal2 and xrootd")
        if code_of(error) != SERVER or count + 1 >= self.settings["attempts"]:
            raise error
        delay = self.settings["backoff"] * 2 ** count
        say("again in %g s: %s" % (delay, brief(error)))
        time.sleep(delay)

    def __getattr__(self, name):
        def call(*args, **kwargs):
            found = self.attempt(getattr(self.client, name), *args, **kwargs)
            if isinstance(found, list):
                return [row if "scopes" in name or isinstance(row, list) else Row(row) for row in found]
            return Row(found) if name[:4] == "get_" else found
        return call

    def metadata(self, keys):
        """(scope, name) -> metadata of what exists; the server omits the rest, and takes 1000 at a time."""
        # client 38 would ask for JSON metadata, which few servers have; older ones cannot be told
        plugin = "plugin" in self.client.get_metadata_bulk.__code__.co_varnames
        options = dict(plugin="DID_COLUMN") if plugin else {}
        return {key_of(row): sane(row) for part in chunks(sorted(set(keys)), 1000)
                for row in self.get_metadata_bulk(list(map(did, part)), **options)}

    def states(self, keys):
        """(scope, name, RSE) -> state of each replica."""
        return {key_of(row) + (rse,): state for part in chunks(list(keys), 500)
                for row in self.list_replicas(list(map(did, part)), all_states=True)
                for rse, state in row["states"].items()}

    def seconds(self, files):
        """The limit of a transfer: that of the settings, and what the largest file takes at 500 kB/s."""
        return int(min(self.settings["timeout"] + max(file["bytes"] for file in files) / 5e5, 1e7))


class Row(dict):
    """An object in an answer. No server is trusted to send one, nor a complete one."""

    def __init__(self, row):
        super().__init__(row if isinstance(row, dict) else {"": row})

    def __missing__(self, name):
        raise nonsense("no %s in %s" % (name, brief(self)))


def nonsense(what):
    return Error(SERVER, "server: its answer makes no sense: %s; is it Rucio, or something before it?", what)


def sane(row):
    """The metadata of a DID, if those of a file can be what they should be."""
    known = repr([row[name] for name in ("bytes", "adler32", "md5")])
    if row["did_type"] == "FILE" and not re.fullmatch(
            r"\[[0-9]{1,18}(, (None|'[0-9a-fA-F]{0,32}')){2}\]", known):
        raise nonsense("%s:%s has bytes, adler32, md5 %s" % (key_of(row) + (known[:300],)))
    return row


@contextmanager
def watch(seconds, moved=lambda: 0):
    """Stop what the client never gives up: when `moved()`, in bytes, grows by less than 1 kB/s."""
    last = [moved()]

    def look(*_):
        now = moved()
        if now - last[0] < 1000 * seconds:
            raise Stopped(signal.SIGALRM)
        last[0] = now

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def size_of(folder):
    total = 0
    for path in glob.glob(folder + "/**", recursive=True):
        with suppress(OSError):
            total += getsize(path)
    return total


def key_of(row):
    return str(row["scope"]), str(row["name"])


def did(key):
    return dict(scope=key[0], name=key[1])


def line_of(row):
    """A file in a lock: `scope:name bytes checksum`."""
    known = [kind + ":" + row[kind] for kind in ("adler32", "md5") if row.get(kind)] + ["-"]
    return "%s:%s %d %s" % (row["scope"], row["name"], row["bytes"], known[0])


def chunks(items, length):
    return [items[start:start + length] for start in range(0, len(items), length)]


# --- stage-in only

def resolve(server, downloads):
    """[(entry, [metadata of a file])], each file once per entry."""
    plan = [(entry, [key_of(entry)] if entry["type"] == "file" else members(server, entry))
            for entry in downloads]
    known = server.metadata(key for _, keys in plan for key in keys)
    gone = sorted({":".join(key) for _, keys in plan for key in keys} - set(map(":".join, known)))
    if gone:
        raise Error(MISSING, "%s: not found; " + SHOWS, brief(gone), "dids")
    for _, keys in plan:
        kind = known[keys[0]]["did_type"].lower()
        if kind != "file":
            raise Error(MISSING, "%s:%s: is a %s, not a file; list it under directories", *keys[0] + (kind,))
    found = [(entry, [known[key] for key in keys]) for entry, keys in plan]
    for entry, files in found:
        if "lock" in entry:
            check_lock(entry, entry["lock"], [line_of(file) for file in files])
    return found


def check_lock(entry, lock, lines):
    """Refuse content that is not what was locked, before any of it is fetched."""
    now = {line.split(" ")[0]: line for line in lines}
    then = {line.split(" ")[0]: line for line in lock.get("files", lines)}
    if entry["type"] != "directory":  # the lock of a wildcard holds others, too
        then = {name: then[name] for name in now if name in then}
    found = [what + brief(sorted(names)) for what, names in (
        ("added ", set(now) - set(then)), ("removed ", set(then) - set(now)),
        ("changed ", {name for name in now if now[name] != then.get(name, now[name])})) if names]
    text = "".join(line + "\n" for line in sorted(lines))
    if "files" not in lock and lock.get("digest") != "sha256:" + hashlib.sha256(text.encode()).hexdigest():
        found.append("its %d files are not the %d of then" % (len(lines), lock.get("length", 0)))
    if found:
        raise Error(MISMATCH, "%s: is not what was locked: %s; reana-rucio lock and compile take it as it is",
                    ":".join(key_of(entry)), ", ".join(found))


def members(server, entry):
    """The files of a dataset, of the datasets of a container, or of all that a wildcard matches, by name."""
    scope, name = key_of(entry)
    what, keys = scope + ":" + name, set()
    with about(what, SHOWS % "dids"):
        if "contents" in entry:
            roots, keys = [], {
                tuple(line.split(" ")[0].split(":")) for line in entry.get("lock", {}).get("files", [])}
        elif "*" in name:  # some databases ignore case
            fits = re.compile(".*".join(map(re.escape, name.split("*")))).fullmatch
            roots = [(row["name"], row["did_type"]) for row in server.list_dids(
                scope, dict(name=name), did_type="all", long=True) if fits(row["name"])]
        else:
            roots = [(name, server.get_did(scope, name)["type"])]
            if roots[0][1] == "FILE":
                raise Error(MISSING, "%s: is a file, not a dataset; list it under files", what)
        keys |= {key for root, kind in roots for key in (
            [(scope, root)] if kind == "FILE" else map(key_of, server.list_files(scope, root)))}
    for key in keys:
        if not all(re.fullmatch(shape, part) for shape, part in zip((SCOPE, NAME), key)):
            raise nonsense("%s holds %s" % (what, brief(key)))
    keys = sorted(keys, key=lambda key: key[::-1])[:entry.get("first")]
    if not keys:
        raise Error(MISSING, "%s: has no files; is it filled, and spelt right?", what)
    if entry["type"] == "member":
        wanted = basename(entry["path"])
        keys = [key for key in keys if basename(key[1]) == wanted]
        if not keys:
            raise Error(MISSING, "%s: has no file %s; " + SHOWS, what, wanted, "files")
    seen = {"": (), ".": (), "..": ()}
    for key in keys:
        twin = seen.setdefault(basename(key[1]), key)
        if twin != key:
            raise Error(MISSING, "%s: %s cannot be in one directory with %s; stage them one by one",
                        what, ":".join(key), ":".join(twin))
    return keys


def stage_in(server, manifest, work):
    """Fetch what is not there, move it to its path, and return the rows of the receipt."""
    plan, wanted, uses, rows, failure = [], {}, Counter(), [], None
    for entry, files in resolve(server, manifest["downloads"]):
        path, folder = entry["path"], entry["type"] == "directory"
        no_links(path)
        if os.path.lexists(path) and isdir(path) != folder:
            raise Error(USAGE, "%s: is there, but is no %s; remove it", path, entry["type"])
        places = {path + "/" + basename(file["name"]) if folder else path: file for file in files}
        extra = {path + "/" + name for name in os.listdir(path)} - set(places) if isdir(path) else ()
        if extra:
            raise Error(MISMATCH, "%s:%s: %s does not belong to it; remove that, or choose another directory",
                        entry["scope"], entry["name"], brief(sorted(extra)))
        new = {place for place in places if not same(place, places[place])}
        plan.append((path, folder, places, new))
        for place in sorted(new):
            uses[key_of(places[place])] += 1
            wanted.setdefault(key_of(places[place]), dict(places[place], wish=entry.get("rse")))
    fold = str.lower if os.path.exists(work.upper()) else str  # file systems may ignore case
    apart(fold(held(work, file)) for file in wanted.values())
    apart(fold(place) for entry in plan for place in entry[2])
    try:
        fetch_all(server, [wanted[key] for key in sorted(wanted)], work)
    except Error as error:
        failure = error
    for path, folder, places, new in plan:
        if all("seconds" in wanted[key_of(places[place])] for place in new):
            if new:  # after a failure, too
                deliver(work, path, folder, places, new, uses)
            for place in sorted(places):
                file = wanted[key_of(places[place])] if place in new else places[place]
                rows.append(dict(did=":".join(key_of(file)), path=place, bytes=file["bytes"], md5=file["md5"],
                                 adler32=file["adler32"], rse=file.get("rse"), seconds=file.get("seconds", 0),
                                 status="fetched" if place in new else "present"))
    if failure:
        raise failure
    return rows


def held(work, file):
    """Where the client puts a file: by its name, in the directory given."""
    return "%s/get/%s/%s" % (work, file["scope"], file["name"].lstrip("/"))


def deliver(work, path, folder, places, new, uses):
    """Move verified content to its path, in one step."""
    target, old = work + "/new", work + "/old"
    if folder:
        os.mkdir(target)
    for place, file in places.items():
        uses[key_of(file)] -= place in new
        last = place in new and not uses[key_of(file)]
        (os.rename if last else shutil.copyfile if place in new else share)(
            held(work, file) if place in new else place,
            target + "/" + basename(place) if folder else target)
    os.makedirs(dirname(path) or ".", exist_ok=True)
    if folder and isdir(path):
        os.rename(path, old)
    os.rename(target, path)
    shutil.rmtree(old, True)


def share(source, target):
    """Copy a file, at no cost if possible."""
    with suppress(OSError):
        return os.link(source, target)
    shutil.copyfile(source, target)


def fetch_all(server, files, work):
    """Download into the work directory, except what a killed run left there and is right."""
    groups, todo = {}, []
    for file in files:
        if same(held(work, file), file):
            file["seconds"] = 0
        else:
            todo.append(file)
            checked = bool(file["adler32"] or file["md5"])
            groups.setdefault((file["scope"], file["wish"], checked), []).append(file)
    say("%d files to fetch, %s" % (len(todo), human(sum(file["bytes"] for file in todo))))
    if todo:
        from rucio.client.downloadclient import DownloadClient
        client, traces = DownloadClient(client=server.client), Traces(len(todo))
        for group, whole in groups.items():
            for part in chunks(whole, 200):
                fetch(server, client, group, part, work, traces)


def fetch(server, client, group, files, work, traces):
    """Download at most 200 files of one scope, and again those whose sources fail for a while.

    Given sources, the client spares two requests per file, and takes files of many datasets."""
    scope, wish, checked = group
    options = dict(base_dir=work + "/get/" + scope, no_subdir=True, no_resolve_archives=True,
                   ignore_checksum=not checked, transfer_timeout=server.seconds(files))
    for file in files:
        os.makedirs(dirname(held(work, file)), exist_ok=True)
    for count in range(server.settings["attempts"]):
        with about("rse=%s" % wish, SHOWS % "rses"):
            sources = server.list_replicas(
                [did(key_of(file)) for file in files], rse_expression="(%s)\\istape=true" % (wish or "*"),
                metalink=True, ignore_availability=False, client_location=client.client_location,
                resolve_archives=False)
        asked = {":".join(key_of(file)) for file in files}
        with about("sources"):
            nodes = ElementTree.fromstring(sources).iter()
            named = {node.text for node in nodes if node.tag.endswith("identity")}
        if named - asked:
            raise nonsense("sources of " + brief(sorted(map(str, named - asked))))
        del traces[:]
        server.most += max(file["bytes"] for file in files)
        with watch(3 * server.settings["timeout"] + 1, lambda: size_of(work)):
            client.download_from_metalink_file(
                options, write_private(work + "/sources", sources.encode()), traces_copy_out=traces,
                num_threads=server.settings["threads"], deactivate_file_download_exceptions=True)
        server.most = Server.most
        traces.look()
        last, failed = {(trace["scope"], trace["filename"]): trace for trace in traces}, []
        for file in files:
            trace = last.get(key_of(file), {})
            fresh = checked and trace.get("clientState") == "DONE"  # by the client, with checksums
            if same(held(work, file), dict(file, adler32=None, md5=None) if fresh else file):
                file.update(rse=trace.get("remoteSite"), seconds=round(
                    trace.get("transferEnd", 0) - trace.get("transferStart", 0), 3))
            else:
                failed.append((file, verdict(server, file, trace, os.path.exists(held(work, file)))))
        if not failed:
            return
        files = [file for file, _ in failed]
        server.again(count, min((error for _, error in failed), key=lambda error: error.code == SERVER))


def verdict(server, file, trace, there):
    """Why a file did not arrive, from what the client recorded of its last attempt."""
    what, rse = ":".join(key_of(file)), trace.get("remoteSite")
    why = brief(trace.get("stateReason"))
    if there or trace.get("clientState") == "FAIL_VALIDATE":
        return Error(MISMATCH, "%s: the copy at %s is not what was registered (%s); use rse=, tell the site",
                     what, rse, "other size" if there else why)
    if not rse:
        states = sorted("%s %s" % (key[2], state) for key, state in server.states([key_of(file)]).items())
        return Error(MISSING, "%s: no available replica%s (there is: %s); `rucio add-rule` makes one on disk",
                     what, " at rse=" + file["wish"] if file["wish"] else "", brief(states) or "none")
    if re.search(r"\[Errno (%s)\]" % "|".join(str(getattr(errno, name)) for name in FULL.split()[:4]), why):
        return Error(REFUSED, "workspace: %s: %s; make room", what, why)
    if re.search(NEVER, why):
        return Error(REFUSED, "%s: %s refuses it: %s; ask for permission, or use rse=", what, rse, why)
    if re.search("(?i)not found|no such file|does not exist", why):
        return Error(MISSING, "%s: no available replica, %s lost it; tell the site, or use rse=", what, rse)
    return Error(SERVER, "%s: no transfer from %s: %s; try again later", what, rse, why)


# --- stage-out only

def check_outputs(requires, uploads):
    """Nothing is uploaded unless everything that is to be uploaded exists."""
    gone, paths = [], {entry["path"] + "/" * (entry["type"] == "directory") for entry in uploads}
    for path in sorted(paths.union(requires)):
        no_links(path, OUTPUT)
        if not any(isfile(path + name) for name in (visible(path) if path[-1] == "/" else [""])):
            gone.append(path)
    if gone:
        raise Error(OUTPUT, "%s: no such output, or empty; nothing was uploaded", brief(gone))


def stage_out(server, uploads):
    """Upload, make rules, attach, read back, and return the rows of the receipt."""
    files, rows = [file for entry in uploads for file in entry["files"]], []
    states = server.states(file["key"] for file in files if file["known"])
    for file in files:
        there = [rse for rse in file["entry"]["rses"] if states.get(file["key"] + (rse,)) == "AVAILABLE"]
        file["at"] = (there + [None])[0]
    todo = [file for file in files if not file["at"]]
    say("%d files to upload, %s" % (len(todo), human(sum(file["bytes"] for file in todo))))
    for entry in uploads:
        if entry["dataset"]:
            keep(server, entry, entry["dataset"], entry["to"])
    failures = upload_all(server, todo) if todo else []
    for entry in uploads:  # after a failure, too
        read_back(server, [file for file in entry["files"] if "seconds" in file], entry["to"])
        for file in entry["files"]:
            if file["at"] and not entry["dataset"]:
                keep(server, entry, file["key"], file["at"])
    if failures:
        raise failures[0]
    for entry in uploads:  # last: nobody finds half a dataset
        if entry["dataset"]:
            attach(server, entry["dataset"], [file["key"] for file in entry["files"]])
        rows += [dict(
            did=":".join(file["key"]), path=file["path"], bytes=file["bytes"], rse=file["at"],
            adler32=file["known"]["adler32"] or digest(file["path"]),
            status="uploaded" if "seconds" in file else "present",
            seconds=round(file.get("seconds", 0), 3), dataset=":".join(entry["dataset"] or ()) or None)
            for file in entry["files"]]
    return rows


def upload_all(server, files):
    """Upload a few files at a time, and return failures; after one, none is begun."""
    from rucio.client.uploadclient import UploadClient
    quiet, traces, tried, failures = copy.copy(server.client), Traces(len(files)), [], []
    quiet.add_replication_rule = lambda *args, **kwargs: None  # rules are for us to make
    client = UploadClient(_client=quiet)

    def work(file):
        started = time.time()
        try:
            if not failures:
                upload(server, client, file, tried)
                file["seconds"] = time.time() - started
                with traces.lock:
                    traces.line(":".join(file["key"]), file["bytes"], file["seconds"], file["entry"]["to"])
        except BaseException as error:
            failures.append(error)

    with watch(3 * server.seconds(files) + 1, lambda: 1e12 * len(tried)):  # it tries twice
        list(ThreadPoolExecutor(server.settings["threads"]).map(work, files))
    return failures


def upload(server, client, file, tried):
    """Upload one file, registered only once it is on the storage: else a killed upload burns its name."""
    from rucio.rse import rsemanager
    what, rse = ":".join(file["key"]), file["entry"]["to"]
    item = dict(path=file["path"], rse=rse, did_scope=file["key"][0], did_name=file["key"][1],
                guid=os.urandom(16).hex(), register_after_upload=True,
                transfer_timeout=server.seconds([file]))
    for count in range(server.settings["attempts"]):
        traces = []
        tried.append(file)
        try:
            with about(what):
                client.upload([item], traces_copy_out=traces)
            break
        except Exception as error:
            if type(error).__name__ == "NoFilesUploaded":
                why = brief(traces[-1].get("stateReason") if traces else error)
                if why == "File already exists":  # and is registered
                    rows = client.client.list_replicas([did(file["key"])], all_states=True)
                    if any(rse in row["states"] for row in rows):
                        break  # another did the same; the rest compares
                    rsemanager.delete(client.rses[rse], did(file["key"]), auth_token=client.auth_token)
                error = Error(REFUSED if re.search(NEVER, why) else SERVER,
                              "%s: was not taken by %s: %s; choose another rse=", what, rse, why)
            server.again(count, error)


def read_back(server, files, rse):
    """See that what was uploaded is registered as it is here, with an available replica."""
    keys = [file["key"] for file in files]
    rows, states = server.metadata(keys), server.states(keys)
    for file in files:
        file["known"], file["at"] = rows.get(file["key"]), rse
        if not file["known"] or not same(file["path"], file["known"]):
            raise Error(MISMATCH, "%s:%s: is registered with other content than %s",
                        *file["key"] + (file["path"],))
        if states.get(file["key"] + (rse,)) != "AVAILABLE":  # another program's upload was killed
            # only admins may mend that
            state = dict(did(file["key"]), state="A", bytes=file["known"]["bytes"])
            with about("%s:%s: its replica at %s is not available" % (file["key"] + (rse,)), "rename it"):
                server.update_replicas_states(rse, [state])


def keep(server, entry, key, rse):
    """See that a file has a rule, or a dataset, which is made if need be; what is there stays as it is."""
    from rucio.common.exception import DataIdentifierAlreadyExists, DuplicateRule
    rule = dict(copies=1, rse_expression=rse, lifetime=entry.get("lifetime"))
    dataset = key == entry["dataset"]

    def rules():  # any one keeps a dataset, but another's need not keep our file
        return [row for row in server.list_did_rules(*key) if dataset or (
            row["account"] == server.account and row["rse_expression"] in entry["rses"] + [entry["rse"]])]

    with about(":".join(key), "if it was deleted, choose another name"):
        if dataset and not server.metadata([key]):
            with suppress(DataIdentifierAlreadyExists):  # by an attempt before
                server.add_dataset(*key, rules=[dict(rule, account=server.account, grouping="DATASET")])
        if not rules():
            with suppress(DuplicateRule):
                server.add_replication_rule([did(key)], **rule)
            if not rules():
                raise Error(REFUSED, "%s: the server made no rule at %s", ":".join(key), rse)


def attach(server, dataset, keys):
    """Attach the files that are not attached, and see that all are."""
    from rucio.common.exception import FileAlreadyExists
    for last in (False, True):
        there = set(map(key_of, server.list_content(*dataset)))
        absent = [did(key) for key in keys if key not in there]
        if last and absent:
            raise Error(REFUSED, "%s:%s: was not attached to %s:%s", *key_of(absent[0]) + dataset)
        for part in chunks(absent, 500):
            with about(":".join(dataset)), suppress(FileAlreadyExists):
                server.attach_dids(*dataset, dids=part)


# --- outputs only

def visible(path):
    """The names in a directory; a dot cannot begin a Rucio name, and Snakemake leaves such files."""
    return sorted(name for name in os.listdir(path) if name[0] != ".") if isdir(path) else []


def check_uploads(server, uploads, local):
    """Choose an RSE for each upload; refuse what the server would refuse after hours of work."""
    attributes, keys, used = server.list_account_attributes(server.account)[0], [], Counter()
    admin = any(row["key"] == "admin" and row["value"] for row in attributes)
    scopes = server.list_scopes() if admin else server.list_scopes_for_account(server.account)
    for entry in uploads:
        scope, path, files = entry["scope"], entry["path"], [(entry["path"], entry["name"])]
        dataset = entry.get("dataset")
        if entry["type"] == "directory":
            dataset, files = entry["name"], [
                (path + "/" + name, entry.get("prefix", "") + name) for name in visible(path) if local]
        entry["dataset"] = dataset and tuple((scope + ":" + dataset).split(":")[-2:])
        entry["files"] = [dict(path=path, key=(scope, name), bytes=getsize(path) if local else 1,
                               entry=entry) for path, name in files]
        keys += [file["key"] for file in entry["files"]]
    count = Counter(keys)
    known = server.metadata(keys + [entry["dataset"] for entry in uploads if entry["dataset"]])
    for entry in uploads:
        what, dataset = ":".join(key_of(entry)), known.get(entry["dataset"])
        if entry["scope"] not in scopes:
            raise Error(REFUSED, "%s: account %s may not write to scope %s; use one of %s",
                        what, server.account, entry["scope"], brief(scopes))
        if dataset and not (dataset["did_type"] == "DATASET" and dataset["is_open"]):
            kind = "closed dataset" if dataset["did_type"] == "DATASET" else dataset["did_type"].lower()
            raise Error(EXISTS, "%s:%s: is a %s; choose another name", *entry["dataset"] + (kind,))
        if entry.get("if_exists") == "fail" and key_of(entry) in known:
            raise Error(EXISTS, "%s: exists, and if_exists=fail; choose a new name, or one with {run}", what)
        for file in entry["files"]:
            row = file["known"] = known.get(file["key"])
            if islink(file["path"]) or (local and not isfile(file["path"])):
                raise Error(OUTPUT, "%s: is no file; a dataset is flat, list this by itself", file["path"])
            if row and (row["did_type"] != "FILE" or (local and not same(file["path"], row))):
                raise Error(EXISTS, "%s:%s: exists with other content; choose a new name, or one with {run}",
                            *file["key"])
            if count[file["key"]] > 1:
                raise Error(USAGE, "%s:%s: is the name of two uploads", *file["key"])
        choose_rse(server, entry, dataset, admin, used)


def choose_rse(server, entry, dataset, admin, used):
    """The first RSE, by name, that is writable and has quota; but rather one where the dataset has a rule.

    `used` are bytes, by RSE and by expression of a global limit, of the entries before."""
    what, reasons = ":".join(key_of(entry)), []
    size = sum(file["bytes"] for file in entry["files"] if not file.get("known"))
    with about("%s: rse=%s" % (what, entry["rse"]), SHOWS % "rses"):
        entry["rses"] = sorted(row["rse"] for row in server.list_rses(entry["rse"]))
    ruled = {rule["rse_expression"] for rule in server.list_did_rules(*entry["dataset"])} if dataset else ()
    for rse in sorted(entry["rses"], key=lambda rse: (rse not in ruled, rse)):
        settings, left, limits = server.get_rse(rse), float("inf"), [rse]
        if not admin:
            usage = server.get_local_account_usage(server.account, rse)
            left = sum(row["bytes_remaining"] for row in usage) - used[rse]
            for row in server.get_global_account_usage(server.account):
                if rse in [one["rse"] for one in server.list_rses(row["rse_expression"])]:
                    limits.append(row["rse_expression"])
                    left = min(left, row["bytes_remaining"] - used[limits[-1]])
        if not settings["availability_write"] or not settings["deterministic"]:
            reasons.append(rse + " cannot be written")
        elif left < size or not left:
            reasons.append("%s has %s of quota left" % (rse, human(max(left, 0))))
        else:
            entry["to"] = rse
            used.update(dict.fromkeys(limits, size))
            return
    raise Error(REFUSED, "%s: %s; ask for quota, or choose another rse=", what, brief(reasons))


# --- main

def run(*words):
    started, python, work = time.time(), other_python(), None
    if python:
        os.execv(python, [python, os.path.abspath(__file__), *words])
    manifest = load(*words)
    if python == "":
        raise Error(SECRET, "rucio: no Python here has the client; " + IMAGE, "rucio-clients")
    instance, action, uploads = manifest["instance"], manifest["action"], manifest["uploads"]
    private = private_directory()
    try:
        client = configure(instance, private)
        if action == "stage-out":
            check_outputs(manifest["requires"], uploads)
        capture(private + "/log")
        server = Server(client, manifest["settings"])
        if uploads:
            check_uploads(server, uploads, action == "stage-out")
        no_links(manifest["work"])
        no_links(manifest["receipt"])
        work = alone(manifest["work"])
        for path in (place + "/" + name for place, *names in os.walk(work) for name in sum(names, [])):
            if islink(path) or not (isfile(path) or isdir(path)):
                with suppress(FileNotFoundError):
                    os.unlink(path)  # not ours
        for name in ("/new", "/old"):
            shutil.rmtree(work + name, True)
        rows = stage_in(server, manifest, work) if action == "stage-in" else []
        rows += stage_out(server, uploads) if action == "stage-out" else []
        for row in rows:
            row["path"] = os.fsencode(row["path"]).decode("utf-8", "replace")
        receipt = dict(format=1, action=action, instance=instance["name"], account=server.account, files=rows,
                       rucio_host=client["rucio_host"], seconds=round(time.time() - started, 3),
                       outputs=[dict(did="%(scope)s:%(name)s" % entry, rse=entry["to"]) for entry in uploads])
        os.makedirs(dirname(manifest["receipt"]) or ".", exist_ok=True)
        with open(work + "/receipt", "w") as stream:
            json.dump(receipt, stream, indent=1, sort_keys=True)
        os.replace(stream.name, manifest["receipt"])
        say("%s of %s: %d files, %s, in %.1f s" % (action, instance["name"], len(rows), human(sum(
            row["bytes"] for row in rows)), time.time() - started))
    except Exception as error:
        for proxy in PROXIES if code_of(error) in (SERVER, REFUSED) else ():
            in_time(*proxy)
        with suppress(OSError), open(private + "/log", errors="replace") as stream:
            for line in [line for line in stream if re.search(r"\b(WARNING|ERROR|CRITICAL)\b", line)][-10:]:
                say("rucio: " + re.sub(r"\x1b\[\d*m|\?\S+", "", line).strip()[:400], ERR)
        raise
    finally:
        if "keep" in manifest["settings"] and sys.exc_info()[0]:
            work = None  # the next run goes on
        for mine in [private, work] * 9:  # threads may begin a file
            shutil.rmtree(mine or private, True)


def stop(number, _):
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, signal.SIG_IGN)
    raise Stopped(number)


def main():
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    code = 0
    try:
        run(*sys.argv[1:] or ["MANIFEST.json"])
    except Stopped as error:
        code, why = 128 + error.args[0], "stopped by signal %d; run it again" % error.args
        if error.args[0] == signal.SIGALRM:
            code, why = SERVER, "server or storage: too slow, or stalled; try again later"
        say("reana-rucio: error: " + why, ERR)
    except BaseException as error:
        code = code_of(error)
        if code == 1:
            say(traceback.format_exc(), ERR)
        if code == REFUSED and isinstance(error, OSError):
            error = Error(code, "workspace: %s; make room, or make it writable", brief(error))
        kind = "" if isinstance(error, Error) else type(error).__name__ + ": "
        say("reana-rucio: error: " + kind + (brief(error) if kind else str(error)), ERR)
    os._exit(code)  # storage libraries crash at exit, and threads may work


if __name__ == "__main__":
    main()
