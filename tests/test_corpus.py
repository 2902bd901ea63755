"""No mistake is missed or misplaced: a corpus of wrong specifications, which docs/diagnostics.md counts."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from reana_rucio_compiler.compiler import compile_bytes
from reana_rucio_compiler.diagnostics import Severity
from reana_rucio_compiler.rules import RULES
from tests import corpus


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


def test_corpus_is_large_and_has_every_rule_twice() -> None:
    said = corpus.by_hand()
    codes = Counter(code for text in said.values() for code in set(re.findall(r"\[(RR\d+)\]", text)))
    codes.update(mutant.mutation[0] for mutant in corpus.mutants())
    assert [rule.code for rule in RULES if codes[rule.code] < 2] == []
    assert len(said) + len(corpus.mutants()) >= 150
