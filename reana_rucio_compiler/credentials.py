"""Credentials on the user's own machine, for ``fetch``, ``lock`` and ``check --online``: never for what is compiled.

The stager authenticates as it does in a job of REANA's (``configure`` in stager.py); what REANA's sidecars and
secrets give it there, an environment made here gives it on a laptop. Hosts are those of the instance, as the same
source must mean the same server; only the instance ``default`` takes those of the user's own rucio.cfg. A password or
a token of the user's rucio.cfg goes to the server that file names, and to no other.
"""

from __future__ import annotations

import configparser
import getpass
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .model import Instance
from .staging import address

_USERNAME, _PASSWORD = "RUCIO_STAGE_USERNAME", "RUCIO_STAGE_PASSWORD"
_CLIENT = ("RUCIO_CONFIG", "RUCIO_USERNAME", "RUCIO_STAGE_SECRETS", "VONAME", "X509_USER_PROXY")


_SECRETS_OF_JOBS = re.compile(r", then reana-client secrets-add .*")
_UNKNOWN_AUTHORITY = re.compile(r"(CERTIFICATE_VERIFY_FAILED.*); is it up, and reachable from here\?")
_AUTHORITIES = "export X509_CERT_DIR=..., a directory of .pem files, or one, with the authority that signed it"


class Missing(Exception):
    """Something without which nobody can authenticate; the message says what, and the command that makes it."""


@dataclass(frozen=True)
class Credentials:
    """What a process of the stager needs: the ``instance`` of its manifest, and its whole ``environment``."""

    instance: Mapping[str, str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class _Found:
    """Credentials of one ``auth_type``: changes of the instance, and of the environment."""

    auth_type: str
    instance: Mapping[str, str]
    environment: Mapping[str, str]


def find_credentials(instance: Instance, environ: Mapping[str, str] = os.environ) -> Credentials:
    """How this user authenticates to an instance from here. Raises ``Missing``.

    First come the secrets that the instance names (variables of the environment, files in $RUCIO_STAGE_SECRETS), then
    what the Rucio client would take: the rucio.cfg of its search path if that is of the same server, and the proxy.
    """
    path = _config_path(environ)
    config = _client_section(path)
    if instance.rucio_host is None and not config.get("rucio_host"):
        where = f'"{path}" names no rucio_host' if path else "there is no rucio.cfg on this machine"
        raise Missing(f'"{instance.name}": {where}, which would say the server; export RUCIO_CONFIG=/path/to/rucio.cfg')
    mine = config if instance.rucio_host is None or _same_host(config, instance) else {}
    account = instance.account or environ.get("RUCIO_ACCOUNT") or mine.get("account") or environ.get("RUCIO_USERNAME")
    if not account:
        raise Missing(f'"{instance.name}": nothing says your Rucio account there; export RUCIO_ACCOUNT=...')
    found = _find(instance, mine, account, environ)
    told = {**address(instance), "account": account, "auth_type": found.auth_type, **found.instance}
    told = {key: value for key, value in told.items() if key != "sidecar"}
    if instance.rucio_host is None and (environ.get("RUCIO_VO") or mine.get("vo")):
        told["vo"] = environ.get("RUCIO_VO") or mine["vo"]
    variables = {name: value for name, value in environ.items() if name not in _CLIENT}
    if "ca_cert" in mine and "X509_CERT_DIR" not in environ:
        variables["X509_CERT_DIR"] = _expanded(mine["ca_cert"], environ)  # a file or a directory: the stager takes both
    if instance.rucio_host is None:
        variables["RUCIO_CONFIG"] = str(path)
    return Credentials(told, {**variables, **found.environment})


def remedy_here(text: str) -> str:
    """What the stager says, without the part of a remedy that is for REANA's jobs only, and with one for here."""
    return _UNKNOWN_AUTHORITY.sub(rf"\1; {_AUTHORITIES}", _SECRETS_OF_JOBS.sub("", text))


def _find(instance: Instance, mine: Mapping[str, str], account: str, environ: Mapping[str, str]) -> _Found:
    found = _named(instance, environ)
    wanted = (environ.get("RUCIO_AUTH_TYPE") or mine.get("auth_type")) if mine else None
    for auth_type in (wanted, instance.auth_type):
        found = found or _of_client(auth_type, mine, account, environ)
    if found is None:
        raise Missing(f'"{instance.name}": {_missing(instance, environ)}')
    return found


def _named(instance: Instance, environ: Mapping[str, str]) -> _Found | None:
    """The secrets that the instance names, as it names them for the jobs."""
    if instance.auth_type == "userpass":
        names = {key: getattr(instance, key) or "" for key in ("username_env", "password_env")}
        values = {name: environ.get(name, "") for name in names.values()}
        return _Found("userpass", names, values) if all(values.values()) else None
    field = "proxy_file" if instance.auth_type == "x509_proxy" else "token_file"
    name, place = getattr(instance, field), environ.get("RUCIO_STAGE_SECRETS")
    if name and place and (Path(place) / name).is_file():
        return _Found(instance.auth_type, {field: name}, {"RUCIO_STAGE_SECRETS": place})
    return None


def _of_client(
    auth_type: str | None, mine: Mapping[str, str], account: str, environ: Mapping[str, str]
) -> _Found | None:
    """What the Rucio client would authenticate with; ``mine`` is the [client] section of a rucio.cfg of this server."""
    if auth_type == "userpass" and mine.get("username") and mine.get("password"):
        names = {"username_env": _USERNAME, "password_env": _PASSWORD}
        return _Found("userpass", names, {_USERNAME: mine["username"], _PASSWORD: mine["password"]})
    if auth_type == "oidc" and mine:
        token = Path(mine.get("auth_token_file_path") or _token_cache(mine.get("vo"), account))
        if token.is_file():
            return _Found("oidc", {"token_file": token.name}, {"RUCIO_STAGE_SECRETS": str(token.parent)})
    if auth_type == "x509_proxy":
        path = _proxy(mine, environ)
        return (
            _Found("x509_proxy", {"proxy_file": path.name}, {"RUCIO_STAGE_SECRETS": str(path.parent)}) if path else None
        )
    return None


def _proxy(mine: Mapping[str, str], environ: Mapping[str, str]) -> Path | None:
    """The proxy in the client's order (facts/rucio.md section 2): the first one that is named, or the usual one."""
    configured = _expanded(mine.get("client_x509_proxy", ""), environ)
    named = (environ.get("RUCIO_CLIENT_PROXY"), configured, environ.get("X509_USER_PROXY"))
    path = Path(next((each for each in named if each), f"/tmp/x509up_u{os.getuid()}")).absolute()
    return path if path.is_file() else None


def _expanded(path: str, environ: Mapping[str, str]) -> str:
    """A path of rucio.cfg, with variables and ``~`` as the client takes them; nothing where a variable is not set."""
    try:
        text = re.sub(r"\$(?:(\w+)|\{(\w+)\})", lambda found: environ[found.group(1) or found.group(2)], path)
    except KeyError:
        return ""
    return os.path.expanduser(text)


def _token_cache(vo: str | None, account: str) -> Path:
    """Where the client keeps the token of an account, whatever the server."""
    user = getpass.getuser()
    suffix = f"@{vo}" if vo and vo != "def" else ""
    return Path(tempfile.gettempdir(), user, f".rucio_{user}{suffix}", f"auth_token_for_account_{account}")


def _missing(instance: Instance, environ: Mapping[str, str]) -> str:
    """What to make, and how, for the auth_type of an instance."""
    if instance.auth_type == "userpass":
        wanted = " ".join(f"{name}=..." for name in (instance.username_env, instance.password_env) if name)
        return f"no username and password; export {wanted or 'RUCIO_CONFIG=/path/to/rucio.cfg'}"
    if instance.auth_type == "oidc":
        return (
            f"no token; put it into $RUCIO_STAGE_SECRETS/{instance.token_file}, "
            "or run `rucio whoami` with auth_type = oidc in a rucio.cfg of this server"
        )
    named = environ.get("RUCIO_CLIENT_PROXY") or environ.get("X509_USER_PROXY")
    vo = f" --voms {instance.vo or instance.sidecar or 'VO'}" if instance.rucio_host else ""
    return f"no proxy{f' at {named}' if named else ''}; run voms-proxy-init{vo}"


def _config_path(environ: Mapping[str, str]) -> Path | None:
    """The rucio.cfg that the client would read, or None where there is none."""
    if environ.get("RUCIO_CONFIG"):
        path = Path(environ["RUCIO_CONFIG"])
        if not path.is_file():
            raise Missing(f'RUCIO_CONFIG: there is no file "{path}"; name your rucio.cfg, or unset it')
        return path
    homes = [environ[name] + "/etc" for name in ("RUCIO_HOME", "VIRTUAL_ENV", "CONDA_PREFIX") if environ.get(name)]
    places = [Path(home, "rucio.cfg") for home in [*homes, "/opt/rucio/etc"]]
    return next((path for path in places if path.is_file()), None)


def _client_section(path: Path | None) -> Mapping[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(path or [], encoding="utf-8")
    except (configparser.Error, ValueError, OSError) as error:  # whose text may show a line with a password
        raise Missing(f'"{path}" cannot be read: {type(error).__name__}; mend it, or unset RUCIO_CONFIG') from None
    return dict(parser.items("client")) if parser.has_section("client") else {}


def _same_host(config: Mapping[str, str], instance: Instance) -> bool:
    one, two = (_address(host) for host in (config.get("rucio_host", ""), instance.rucio_host or ""))
    return one is not None and one == two


def _address(url: str) -> tuple[str, str | None, int | None, str] | None:
    """What two spellings of one URL have in common: rucio.cfg often says the port that is the usual one."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:  # no such port
        return None
    return parts.scheme, parts.hostname, port, parts.path.rstrip("/")
