"""Our dataclasses, held against the original on the same definitions."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import pickle
import pkgutil
import types
from typing import Any

import pytest

import reana_rucio_compiler
from reana_rucio_compiler import records


def both(**options: Any) -> list[Any]:
    """One definition by the original and by us."""
    made = []
    for module in (dataclasses, records):

        @module.dataclass(**options)  # type: ignore[attr-defined]
        class Thing:
            """A thing."""

            name: str
            size: int = 3
            values: int = 1  # names that a constructor may have for its own
            instance: int = 2
            parts: dict[str, int] = module.field(default_factory=dict)  # type: ignore[attr-defined]

            @property
            def double(self) -> int:
                return 2 * self.size

        made.append(Thing)
    return made


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    (("a",), {}), (("a", 4), {}), (("a", 4, 5, 6, {"x": 1}), {}), ((), {"name": "a"}), (("a",), {"parts": None}),
    (("a",), {"size": 0}), (("b", 1), {"parts": {}}), ((), {}), (("a",), {"name": "b"}), (("a", 1, 1, 1, {}, 1), {}),
    (("a",), {"other": 1}), ((), {"size": 1}),
]  # fmt: skip


def outcome(make: Any) -> Any:
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - whichever the original raises
        return type(error)


@pytest.mark.parametrize(
    "options", [{}, {"frozen": True}, {"frozen": True, "eq": False}, {"frozen": True, "order": True}]
)
def test_instances_are_made_shown_and_compared_as_by_the_original(options: dict[str, Any]) -> None:
    theirs, ours = both(**options)
    things = [
        [outcome(lambda cls=cls, args=args, kwargs=kwargs: cls(*args, **kwargs)) for args, kwargs in CALLS]
        for cls in (theirs, ours)
    ]
    assert [each for each in things[0] if isinstance(each, type)] == [
        each for each in things[1] if isinstance(each, type)
    ]
    their_things, our_things = ([each for each in made if not isinstance(each, type)] for made in things)
    assert len(our_things) >= 6
    assert [repr(each) for each in our_things] == [repr(each) for each in their_things]
    assert [each.double for each in our_things] == [each.double for each in their_things]
    for sign in ("__eq__", "__ne__", "__lt__"):
        for mine, his in zip(our_things, their_things):
            for my_other, his_other in zip(our_things, their_things):
                asked = [
                    outcome(lambda a=a, b=b, sign=sign: getattr(a, sign)(b))
                    for a, b in ((mine, my_other), (his, his_other))
                ]
                assert asked[0] == asked[1] or (sign == "__lt__" and not options.get("order")), sign
            assert getattr(mine, sign)(his) is NotImplemented
    hashes = [
        [outcome(lambda each=each: hash(dataclasses.replace(each, parts=()))) for each in made]
        for made in (our_things, their_things)
    ]
    assert [isinstance(each, int) for each in hashes[0]] == [isinstance(each, int) for each in hashes[1]]
    if options.get("eq", True) and options.get("frozen"):
        assert hashes[0] == hashes[1]


def test_default_factories_make_one_each() -> None:
    _, ours = both(frozen=True)
    assert ours("a").parts is not ours("a").parts


def test_frozen_means_frozen() -> None:
    for thing in (each("a") for each in both(frozen=True)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            thing.size = 4
        with pytest.raises(dataclasses.FrozenInstanceError):
            del thing.size
        with pytest.raises(dataclasses.FrozenInstanceError):
            thing.other = 4
    for thing in (each("a") for each in both()):
        thing.size = 4
        assert thing.size == 4


def test_replace_gives_another_one() -> None:
    theirs, ours = (cls("a", 1) for cls in both(frozen=True))
    assert repr(records.replace(ours, size=2)) == repr(dataclasses.replace(theirs, size=2))
    assert records.replace(ours, instance=7, values=8) == type(ours)("a", 1, 8, 7)
    with pytest.raises(TypeError):
        records.replace(ours, sizes=2)


def test_the_original_takes_them_for_its_own() -> None:
    theirs, ours = (cls("a", 1, parts={"x": 1}) for cls in both(frozen=True))
    assert dataclasses.is_dataclass(ours)
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert [each.name for each in dataclasses.fields(ours)] == [each.name for each in dataclasses.fields(theirs)]
    assert repr(dataclasses.replace(ours, size=2)) == repr(dataclasses.replace(theirs, size=2))


def test_instances_are_copied_and_pickled() -> None:
    from reana_rucio_compiler.model import Word
    from reana_rucio_compiler.source import Source, Span

    word = Word("a", Span(Source("x", "abc"), 0, 1))
    assert copy.copy(word) == word
    assert pickle.loads(pickle.dumps(word)).text == "a"


def modules() -> list[types.ModuleType]:
    package = reana_rucio_compiler.__path__
    names = [each.name for each in pkgutil.walk_packages(package, "reana_rucio_compiler.")]
    outside = ("stager", "driver", "__main__")  # programs of their own
    return [importlib.import_module(name) for name in names if name.rpartition(".")[2] not in outside]


def test_nothing_of_ours_needs_more_of_the_original() -> None:
    """No class is derived from another one, or has fields that are none: these we do not understand."""
    seen = 0
    for module in modules():
        assert getattr(module, "dataclass", records.dataclass) is records.dataclass, module
        for cls in vars(module).values():
            if isinstance(cls, type) and cls.__module__ == module.__name__ and hasattr(cls, "_names"):
                seen += 1
                assert cls.__bases__ == (object,), cls
                assert not [
                    each for each in cls.__annotations__.values() if each.startswith(("ClassVar", "InitVar"))
                ], cls
                assert not hasattr(cls, "__post_init__"), cls
    assert seen >= 40
