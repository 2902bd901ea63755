"""No mistake is missed or misplaced: a corpus of wrong specifications, which docs/diagnostics.md counts."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from reana_rucio_compiler.compiler import compile_bytes, compile_file
from reana_rucio_compiler.diagnostics import Severity
from reana_rucio_compiler.rules import RULES
from tests import corpus

GOLDEN = corpus.ROOT / "tests" / "golden"


@pytest.mark.parametrize("mutation", corpus.MUTATIONS, ids=lambda mutation: "-".join(mutation[:2]).replace(" ", "-"))
def test_mistake_is_found_where_it_was_made(mutation: tuple[str, ...]) -> None:
    mutants = [mutant for mutant in corpus.mutants() if mutant.mutation == mutation]
    assert mutants
    for mutant in mutants:
        result = compile_bytes(mutant.text.encode(), "reana.yaml")
        found = [(each.rule.code, each.span.line, each.span.column) for each in result.diagnostics]
        assert (mutation[0], mutant.line, mutant.column) in found, f"{mutant.case}: {found}\n{mutant.text}"
        failed = any(each.severity is Severity.ERROR for each in result.diagnostics)
        assert (result.text is None) == failed


IN_WORKFLOWS = [(engine, each) for engine, all_of_it in corpus.IN_WORKFLOWS.items() for each in all_of_it]


@pytest.mark.parametrize(
    ("engine", "mutation"), IN_WORKFLOWS, ids=[f"{engine}-{each[1]}" for engine, each in IN_WORKFLOWS]
)
def test_mistake_in_a_workflow_is_found_where_it_was_made(
    engine: str, mutation: tuple[str, ...], tmp_path: Path
) -> None:
    mutants = [
        each for each in corpus.mutants_of_workflows() if each.mutation == mutation and each.case.startswith(engine)
    ]
    assert mutants
    for number, mutant in enumerate(mutants):
        place = tmp_path / str(number)
        shutil.copytree(GOLDEN / mutant.case, place)
        (place / mutant.file).write_bytes(mutant.text.encode())
        result = compile_file(place / "reana.yaml")
        found = [(e.rule.code, Path(e.span.source.name).name, e.span.line, e.span.column) for e in result.diagnostics]
        wanted = (mutation[0], Path(mutant.file).name, mutant.line, mutant.column)
        assert wanted in found, f"{mutant.case}: {wanted} {found}\n{mutant.text}"


def test_corpus_is_large_and_has_every_rule_twice() -> None:
    said = corpus.by_hand()
    codes = Counter(code for text in said.values() for code in set(re.findall(r"\[(RR\d+)\]", text)))
    codes.update(mutant.mutation[0] for mutant in (*corpus.mutants(), *corpus.mutants_of_workflows()))
    assert [rule.code for rule in RULES if codes[rule.code] < 2] == []
    assert len(said) + len(corpus.mutants()) >= 150
