"""Who is ``escape``: the instances that a specification may name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from . import rules
from .diagnostics import Report
from .documents import Document, Node
from .model import Instance
from .source import Span


def _cern(name: str, server: str | None = None, auth: str | None = None) -> Instance:
    """REANA's own rule for the hosts of a VO (reana-job-controller, kubernetes_job_manager.py; facts A.6)."""
    server, auth = server or f"{name}-rucio", auth or f"{name}-rucio-auth"
    return Instance(name, f"https://{server}.cern.ch", f"https://{auth}.cern.ch", sidecar=name)


BUILT_IN: tuple[Instance, ...] = (
    _cern("atlas", "voatlasrucio-server-prod", "voatlasrucio-auth-prod"),
    _cern("cms"),
    _cern("escape"),
    Instance("default"),
)

AUTH_TYPES = ("x509_proxy", "userpass", "oidc")
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}\Z"
_WORD = r"[!-~]+\Z"
_ENVIRONMENT_NAME = r"[A-Za-z_][A-Za-z0-9_]*\Z"
_SERVER = r"(?a:https?://(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?(?:/\S*)?\Z)"
_FILE_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z"

# What each key of an instance must look like, and how to say so.
_KEYS: dict[str, tuple[str, str]] = {
    "rucio_host": (_WORD, "a URL such as https://rucio.example.org"),
    "auth_host": (_WORD, "a URL such as https://rucio-auth.example.org"),
    "vo": (_WORD, "the short name of a VO"),
    "account": (_WORD, "the name of a Rucio account"),
    "auth_type": (rf"(?:{'|'.join(AUTH_TYPES)})\Z", "one of " + ", ".join(AUTH_TYPES)),
    "proxy_file": (_FILE_NAME, "the name of a REANA file secret"),
    "username_env": (_ENVIRONMENT_NAME, "the name of a REANA secret"),
    "password_env": (_ENVIRONMENT_NAME, "the name of a REANA secret"),
    "token_file": (_FILE_NAME, "the name of a REANA file secret"),
    "rse": (_WORD, "the name of an RSE"),
    "environment": (_WORD, "a container image"),
}


def known_instances(documents: tuple[Document, ...], report: Report) -> Mapping[str, Instance]:
    """The instances by name: those of the documents' ``rucio:`` blocks (an earlier document wins), the built-in ones.

    The first document is the specification; the others are files named on the command line.
    """
    known = {instance.name: instance for instance in BUILT_IN}
    for document in reversed(documents):
        block = document.at(("rucio",))
        if block is None:
            if document is not documents[0]:
                message = f'"{document.source.name}" has no "rucio:" at its top, and describes no instance'
                report.add(rules.BAD_INSTANCE, document.span(()), message, _FORM)
            continue
        if block.kind != "mapping":
            report.add(rules.BAD_INSTANCE, document.span(("rucio",)), '"rucio" must be a mapping', _FORM)
            continue
        for key, value in block.pairs:
            if key.value != "instances":
                report.add(
                    rules.BAD_INSTANCE,
                    document.span_of(key),
                    f'"{key.value}" is not known in the rucio: block',
                    _FORM,
                )
            elif value.kind != "mapping":
                report.add(rules.BAD_INSTANCE, document.span_of(value), '"instances" must be a mapping', _FORM)
            else:
                for name, body in value.pairs:
                    instance = _instance(document, name, body, known.get(name.value), report)
                    known[name.value] = instance or Instance(name.value, "https://unknown.invalid")
    return dict(sorted(known.items()))


_FORM = "write rucio: {instances: {NAME: {rucio_host: https://…, auth_host: https://…}}}"


def _instance(document: Document, name: Node, body: Node, base: Instance | None, report: Report) -> Instance | None:
    if not re.match(_NAME, name.value):
        message = f'"{name.value}" cannot name an instance'
        report.add(rules.BAD_INSTANCE, document.span_of(name), message, "use letters, digits, `.`, `_` and `-`")
        return None
    if body.kind != "mapping":
        report.add(
            rules.BAD_INSTANCE,
            document.span_of(name),
            f'the instance "{name.value}" must be a mapping',
            _FORM,
        )
        return None
    given: dict[str, Any] = {}
    for key, value in body.pairs:
        if _property(document, key, value, report):
            given[key.value] = value.value
    if len(given) != len(body.pairs):
        return None
    own_hosts = "rucio_host" in given or "auth_host" in given
    if "rucio_host" not in given and (own_hosts or base is None):
        message = f'the instance "{name.value}" has no rucio_host'
        report.add(rules.BAD_INSTANCE, document.span_of(name), message, "add rucio_host: https://…")
        return None
    if base:
        given.setdefault("environment", base.environment)
    if own_hosts or base is None:
        given.setdefault("auth_host", given["rucio_host"])
    else:
        given.update(rucio_host=base.rucio_host, auth_host=base.auth_host, sidecar=base.sidecar)
    return _with_secrets(Instance(name.value, **given))


def _with_secrets(instance: Instance) -> Instance:
    """The instance with the default names of the secrets that its auth_type needs."""
    prefix = "RUCIO_" + re.sub(r"[^A-Za-z0-9]", "_", instance.name).upper()
    if instance.auth_type == "userpass":
        username = instance.username_env or f"{prefix}_USERNAME"
        return instance._replace(username_env=username, password_env=instance.password_env or f"{prefix}_PASSWORD")
    if instance.auth_type == "oidc":
        return instance._replace(token_file=instance.token_file or f"{prefix}_TOKEN")
    return instance


_STORED = "it is a secret of REANA, and stands in no file: reana-rucio secrets says how to store it"
_MEANT = {"host": 'did you mean "rucio_host"?', **dict.fromkeys(("password", "username", "token"), _STORED)}


def _property(document: Document, key: Node, value: Node, report: Report) -> bool:
    """Whether one ``key: value`` of an instance can be used; else it is reported."""
    if key.value not in _KEYS:
        hint = _MEANT.get(key.value) or nearest(key.value, _KEYS) or "known are " + ", ".join(_KEYS)
        report.add(rules.BAD_INSTANCE, document.span_of(key), f'"{key.value}" is not a property of an instance', hint)
        return False
    pattern, form = _KEYS[key.value]
    span = document.span_of(value)
    if value.kind != "scalar" or value.data is None or not re.match(pattern, value.value):
        hint = nearest(value.value, AUTH_TYPES) if key.value == "auth_type" else ""
        report.add(rules.BAD_INSTANCE, span, f'"{key.value}" must be {form}', hint)
        return False
    return not key.value.endswith("_host") or _host(span, value.value, report)


def _host(span: Span, url: str, report: Report) -> bool:
    from urllib.parse import urlsplit  # slow to import, and most specifications declare no instance

    try:
        parts = urlsplit(url)
        host = parts.hostname
        parts.port  # noqa: B018 - raises ValueError for a port that is none
    except ValueError:
        parts, host = urlsplit(""), None
    if re.match(r"[^/]*//[^/]*@", url):
        report.add(rules.BAD_INSTANCE, span, "a URL here must not hold a password", "passwords are REANA secrets")
    elif not re.match(_SERVER, url) or not host:
        report.add(
            rules.BAD_INSTANCE,
            span,
            f'"{url}" is not the URL of a server',
            "write https://HOST or https://HOST:PORT",
        )
    elif parts.scheme == "http" and host not in ("localhost", "127.0.0.1", "::1"):
        report.add(
            rules.BAD_INSTANCE,
            span,
            f'"{url}" would send credentials unencrypted',
            f"write https://{parts.netloc}",
        )
    else:
        return True
    return False


def nearest(word: str, known: Any) -> str:
    """A hint that names the nearest known word, or an empty string."""
    from difflib import get_close_matches

    names, cutoff, sought = {name.lower(): name for name in reversed(list(known))}, 0.6, word.lower()
    # Names with too few of its letters could not be near, and difflib takes long to see it.
    like = [name for name in names if 2 * sum(map(name.__contains__, sought)) >= cutoff * (len(name) + len(sought))]
    found = get_close_matches(sought, like, n=1, cutoff=cutoff) if like else []
    return f'did you mean "{names[found[0]]}"?' if found else ""
