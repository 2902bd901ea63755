"""The frozen data that the passes hand on."""

from __future__ import annotations

import enum

from .source import Span
from .tuples import NamedTuple


class Place(enum.Enum):
    """Where in reana.yaml an expression may stand."""

    INPUT_FILE = "inputs.files"
    INPUT_DIRECTORY = "inputs.directories"
    PARAMETER = "inputs.parameters"
    OUTPUT_FILE = "outputs.files"
    OUTPUT_DIRECTORY = "outputs.directories"

    @property
    def is_output(self) -> bool:
        """Whether data flow from the workspace to Rucio here."""
        return self in (Place.OUTPUT_FILE, Place.OUTPUT_DIRECTORY)


class Word(NamedTuple):
    """A piece of an expression: what it says, without quotes, and where it stands, with them."""

    text: str
    span: Span


class Option(NamedTuple):
    """``key=value`` in an expression."""

    key: Word
    value: Word


class Expression(NamedTuple):
    """What was written: ``rucio(instance, scope, name, options) -> path`` or ``path -> rucio(...)``.

    ``arrow`` is ``"in"`` where the path follows the call, ``"out"`` where it precedes it, and None without a path.
    """

    span: Span
    instance: Word
    scope: Word
    name: Word
    options: tuple[Option, ...] = ()
    path: Word | None = None
    arrow: str | None = None

    def option(self, key: str) -> Word | None:
        """The value of an option, or None where it is not given."""
        return next((option.value for option in self.options if option.key.text == key), None)


class Reference(NamedTuple):
    """An expression at a place: ``path`` is the way to its YAML string in the document ``span.source`` names."""

    expression: Expression
    place: Place
    where: tuple[str | int, ...]

    @property
    def span(self) -> Span:
        """Where the expression stands."""
        return self.expression.span

    @property
    def parameter(self) -> str | None:
        """The name of the parameter of the specification that holds it, or None. (A wrong one is all parameters.)"""
        is_one = self.where[:2] == ("inputs", "parameters") and len(self.where) > 2
        return str(self.where[2]) if is_one else None


class Instance(NamedTuple):
    """A Rucio installation, in the words of rucio.cfg, and how a staging job gets its credentials.

    Hosts are None where the sidecar's rucio.cfg says them (``default``). ``sidecar`` is set for the built-in
    instances: where the secret VONAME equals it, the hosts of the sidecar win over those here.
    """

    name: str
    rucio_host: str | None = None
    auth_host: str | None = None
    sidecar: str | None = None
    vo: str | None = None
    account: str | None = None
    auth_type: str = "x509_proxy"
    proxy_file: str | None = None
    username_env: str | None = None
    password_env: str | None = None
    token_file: str | None = None
    rse: str | None = None
    environment: str = "docker.io/reanahub/reana-auth-rucio:1.1.1"

    @property
    def needs_sidecar(self) -> bool:
        """Whether a job needs REANA's ``voms_proxy`` and ``rucio`` sidecars: its proxy or its hosts come from them."""
        return self.rucio_host is None or (self.auth_type == "x509_proxy" and self.proxy_file is None)


class Locked(NamedTuple):
    """What a DID held when it was locked. ``type`` is ``file``, ``dataset``, ``container`` or ``wildcard``.

    ``files`` are lines ``scope:name bytes checksum``, sorted, with ``adler32:…``, ``md5:…`` or ``-`` for a checksum;
    None where they were too many to be listed. ``digest`` is the SHA-256 of those lines.
    """

    type: str
    length: int
    bytes: int
    digest: str
    files: tuple[str, ...] | None
    open: bool | None = None
    monotonic: bool | None = None


class Transfer(NamedTuple):
    """One DID to or from one workspace path. ``type`` is ``"file"`` or ``"directory"`` (many files, flat, in it).

    ``path`` is a normalised relative POSIX path. ``lifetime`` is in seconds. ``references`` are the expressions that
    say it, the declaring one first. ``lock`` is what must be staged, where the DID is locked; with ``contents`` =
    ``"locked"`` just those files are, whatever a dataset holds today.
    """

    direction: str
    instance: str
    scope: str
    name: str
    type: str
    path: str
    references: tuple[Reference, ...]
    rse: str | None = None
    first: int | None = None
    lazy: bool = False
    dataset: str | None = None
    prefix: str | None = None
    lifetime: int | None = None
    if_exists: str = "skip"
    output: str | None = None
    contents: str | None = None
    lock: Locked | None = None

    @property
    def did(self) -> str:
        """``scope:name``."""
        return f"{self.scope}:{self.name}"

    @property
    def span(self) -> Span:
        """Where it is declared."""
        return self.references[0].span


class Value(NamedTuple):
    """A string of the specification, or of its parameter file, that a path replaces."""

    reference: Reference
    text: str


class Plan(NamedTuple):
    """What moves: the narrow waist between the language and the engines.

    Transfers are sorted by instance, path and DID, whatever the order of declaration. ``instances`` are those that
    are used, in order of name. ``values`` are the parameters whose expression becomes a path.
    """

    inputs: tuple[Transfer, ...]
    outputs: tuple[Transfer, ...]
    instances: tuple[Instance, ...]
    values: tuple[Value, ...]

    def instance(self, name: str) -> Instance:
        """The instance of that name, which a transfer of this plan uses."""
        return next(instance for instance in self.instances if instance.name == name)
