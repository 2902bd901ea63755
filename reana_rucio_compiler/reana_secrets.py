"""Which secrets of REANA the staging jobs of a plan need, as the commands that store them; none is known here.

What a value is stands in a shell variable: ``"${NAME:?what it is}"`` stops the command, with that message, while nobody
has said it. What needs what: docs/instances.md, facts A.6, and ``configure()`` in stager.py.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .model import Instance, Plan


@dataclass(frozen=True)
class Command:
    """One ``reana-client secrets-add``, and why. ``environment`` has values as the shell reads them.

    ``instead`` marks what is an alternative to the command before, and is only shown as a comment.
    """

    why: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()
    overwrite: bool = False
    instead: bool = False

    @property
    def line(self) -> str:
        """The command, on one line."""
        words = ["reana-client secrets-add", *(["--overwrite"] if self.overwrite else [])]
        words += [f"--file {shlex.quote(name)}" for name in self.files]
        words += [f"--env {name}={value}" for name, value in self.environment]
        return " ".join(words)


def needed(plan: Plan) -> tuple[Command, ...]:
    """The commands that a plan needs, those that all instances share first."""
    return (*_sidecars(plan), *(command for instance in plan.instances for command in _own(instance)))


def render(plan: Plan | None, name: str) -> str:
    """The commands with comments that explain them, for a shell."""
    if plan is None:
        return f"# {name} has no rucio(...), and needs no secrets for one.\n"
    lines = [
        f"# The secrets of REANA that {' '.join(name.split())} needs.",
        "# They are shared by all your workflows: what `reana-client secrets-list` shows is there already, and is",
        "# replaced with --overwrite.",
        "# A variable such as ${RUCIO_USERNAME:?...} is yours to set before; `read -rs NAME` asks for one unseen.",
    ]
    for command in needed(plan):
        lines += [*([] if command.instead else [""]), *(f"# {text}" for text in command.why)]
        lines.append(("#   " if command.instead else "") + command.line)
    return "\n".join(lines) + "\n"


def _sidecars(plan: Plan) -> Iterator[Command]:
    """What REANA's voms_proxy and rucio sidecars want, and the account where an instance does not say it."""
    users = [each for each in plan.instances if each.needs_sidecar]
    nameless = [each for each in plan.instances if not each.account]
    if users:
        why = [f"{_list(users)}: REANA's sidecars configure the client for one VO and one account."]
        known = sorted({each.sidecar for each in users if each.sidecar})
        if len(known) > 1:
            why.append(f"They have one proxy for {' and '.join(known)}: give one of these a proxy_file: of its own.")
        hosts = [each for each in users if each.rucio_host is None]
        if hosts:
            why.append("Its servers are https://VONAME-rucio.cern.ch and https://VONAME-rucio-auth.cern.ch (atlas: its")
            why.append("own), unless you add --env RUCIO_RUCIO_HOST=https://... --env RUCIO_AUTH_HOST=https://...")
        yield Command(tuple(why), (("VONAME", _vo(users)), ("RUCIO_USERNAME", _account(users, nameless))))
    elif nameless:
        yield Command((f"{_list(nameless)}: the account.",), (("RUCIO_USERNAME", _account([], nameless)),))
    proxied = [each for each in users if each.auth_type == "x509_proxy"]
    if proxied:
        yield Command(
            (
                f"{_list(proxied)}: your grid certificate and key, of which each job makes a proxy; its password in",
                """base64: read -rs PASSWORD; VOMSPROXY_PASS=$(printf %s "$PASSWORD" | base64)""",
            ),
            (("VOMSPROXY_PASS", _asked("VOMSPROXY_PASS", "the password of userkey.pem, in base64")),),
            ("userkey.pem", "usercert.pem"),
        )
        make = f"voms-proxy-init --voms {_vo_word(users)} --out x509up"
        yield Command(
            (f"or a proxy, made again when it has expired: {make}",),
            (("VOMSPROXY_FILE", "x509up"),),
            ("x509up",),
            overwrite=True,
            instead=True,
        )


def _own(instance: Instance) -> Iterator[Command]:
    """What an instance has for itself."""
    name = instance.name
    if instance.auth_type == "userpass" and instance.username_env and instance.password_env:
        names = (instance.username_env, instance.password_env)
        values = (f"the user name at {name}", f"its password: read -rs {instance.password_env}")
        yield Command(
            (f"{name}: user name and password.",), tuple((key, _asked(key, text)) for key, text in zip(names, values))
        )
    elif instance.auth_type == "oidc" and instance.token_file:
        why = f"{name}: a file of this name that holds an OIDC token for {instance.auth_host or 'its server'}."
        yield Command((why,), (), (instance.token_file,), overwrite=True)
    elif instance.proxy_file:
        make = f"voms-proxy-init --voms VO --out {instance.proxy_file}"
        why = f"{name}: a proxy of its VO, made again when it has expired: {make}"
        yield Command((why,), (), (instance.proxy_file,), overwrite=True)


def _list(instances: Iterable[Instance]) -> str:
    return ", ".join(each.name for each in instances)


def _asked(name: str, what: str) -> str:
    """The value of a shell variable, without which the shell stops and says what it should be."""
    return f'"${{{name}:?{what}}}"'


def _vo_word(users: Iterable[Instance]) -> str:
    names = {each.sidecar for each in users if each.sidecar}
    return min(names) if len(names) == 1 else "VO"


def _vo(users: list[Instance]) -> str:
    """The VO: known where only one known instance is used; for others it is that of the certificate."""
    known = sorted({each.sidecar for each in users if each.sidecar})
    if len(known) == 1:
        return known[0]
    what = f"the VO of your certificate: {' or '.join(known)}" if known else "the VO of your certificate, such as cms"
    return _asked("VONAME", what)


def _account(users: list[Instance], nameless: list[Instance]) -> str:
    """The account of who has none of its own; else any will do for the sidecar, which wants one."""
    if not nameless:
        return shlex.quote(next(each.account for each in users if each.account))
    return _asked("RUCIO_USERNAME", f"your Rucio account at {_list(nameless)}")
