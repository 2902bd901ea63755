"""Our schemas of what REANA accepts, held against the reana-commons packages that decide it."""

from __future__ import annotations

import collections
import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft7Validator

from tests.environments import needs

from . import specs

SCHEMAS = Path(__file__).parents[2] / "schemas"
WORKER = Path(__file__).with_name("reana_worker.py")

# Schemas of different structure cannot name the same keyword; what they object to must be of the same kind.
KIND = {
    "additionalProperties": "unexpected",
    "required": "missing",
    "anyOf": "missing",
    "type": "value",
    "enum": "value",
    "pattern": "value",
    "minimum": "value",
    "minLength": "value",
    "maxLength": "value",
    "uniqueItems": "value",
    "minItems": "size",
    "maxItems": "size",
    "minProperties": "size",
}

Finding = tuple[tuple[Any, ...], str]
Opinion = tuple[str, frozenset[Finding]]


class Reana:
    """One line of REANA: our schema of it, and a process in which the real reana-commons answers questions."""

    def __init__(self, line: str, python: Path) -> None:
        self.schema = json.loads((SCHEMAS / f"{line}.json").read_text(encoding="utf-8"))
        self._validator = Draft7Validator(self.schema)
        self._process = subprocess.Popen(
            [str(python), str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def ask(self, **question: Any) -> Any:
        """The worker's answer; reana_worker.py tells what can be asked."""
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the reana-commons process died of {question!r}"
        return json.loads(answer)

    def real(self, spec: Any) -> Opinion:
        """What reana-commons thinks of the specification."""
        answer = self.ask(judge=spec)
        found = frozenset((tuple(path), KIND[keyword]) for path, keyword in answer["findings"])
        # Were this false, the findings would not be those that the verdict rests on.
        assert answer["verdict"] == verdict(found), f"verdict and findings differ on {spec!r}: {answer}"
        return answer["verdict"], found

    def ours(self, spec: Any) -> Opinion:
        """What our schema thinks of it."""
        errors = self._validator.iter_errors(spec)
        found = frozenset((tuple(error.absolute_path), KIND[error.validator]) for error in errors)
        return verdict(found), found

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()


def verdict(found: Iterable[Finding]) -> str:
    """What findings amount to: REANA only warns about unexpected keys."""
    kinds = {kind for _, kind in found}
    return "error" if kinds - {"unexpected"} else "warning" if kinds else "fine"


@pytest.fixture(scope="module", params=["reana-0.9", "reana-0.95"])
def reana(request: pytest.FixtureRequest) -> Iterator[Reana]:
    line = Reana(request.param, needs(request.param))
    yield line
    line.close()


@pytest.fixture(scope="module")
def corpus() -> list[Any]:
    """The hand-written specifications and all that one change makes of them, each once."""
    every = list(specs.SPECS.values())
    every += [mutant for spec in specs.SPECS.values() for mutant in specs.mutations(spec)]
    return [json.loads(text) for text in dict.fromkeys(json.dumps(spec, sort_keys=True) for spec in every)]


def test_every_single_change_is_judged_as_by_reana(reana: Reana, corpus: list[Any]) -> None:
    """After one change to a specification, our schema's verdict and findings equal those of reana-commons."""
    disagreements = []
    verdicts: collections.Counter[str] = collections.Counter()
    kinds: set[str] = set()
    for spec in corpus:
        real, ours = reana.real(spec), reana.ours(spec)
        verdicts[real[0]] += 1
        kinds.update(kind for _, kind in real[1])
        if real != ours:
            disagreements.append(f"{json.dumps(spec)[:1500]}\n  REANA {real}\n  ours  {ours}")
    assert not disagreements, "\n".join([f"{len(disagreements)}, of which:", *disagreements[:5]])
    # The corpus is worth something: large, and each answer is given often.
    assert sum(verdicts.values()) >= 1500
    assert min(verdicts[name] for name in ("fine", "warning", "error")) >= 150, verdicts
    assert kinds == set(KIND.values())


@settings(
    max_examples=1500,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(spec=specs.mutated_repeatedly())
def test_several_changes_are_judged_as_by_reana(reana: Reana, spec: Any) -> None:
    """After several changes as well."""
    assert reana.ours(spec) == reana.real(spec)


def test_no_text_is_reanas(reana: Reana) -> None:
    """Our schemas state the same facts in our own words."""
    theirs = set(reana.ask(texts=None))
    assert len(theirs) > 30
    assert not theirs & set(_texts(reana.schema))


@pytest.mark.parametrize("line", ["reana-0.9", "reana-0.95"])
def test_every_property_is_described(line: str) -> None:
    schema = json.loads((SCHEMAS / f"{line}.json").read_text(encoding="utf-8"))
    Draft7Validator.check_schema(schema)
    properties = list(_properties(schema))
    assert len(properties) > 40
    undescribed = [name for name, value in properties if not _resolved(schema, value).get("description")]
    # Conditions on a property that is described where it is declared.
    assert set(undescribed) <= {"type", "specification"}, undescribed


def _texts(node: Any) -> Iterator[str]:
    for key, value in _children(node):
        if key in ("title", "description") and isinstance(value, str):
            yield value
        yield from _texts(value)


def _properties(node: Any) -> Iterator[tuple[str, Any]]:
    for key, value in _children(node):
        if key == "properties":
            yield from value.items()
        yield from _properties(value)


def _children(node: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(node, dict):
        yield from node.items()
    elif isinstance(node, list):
        yield from enumerate(node)


def _resolved(schema: Any, node: Any) -> Any:
    return schema["definitions"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node
