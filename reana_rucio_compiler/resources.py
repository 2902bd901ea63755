"""Find the grammar and the schemas, in an installed wheel and in a checkout alike."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def read(*parts: str) -> str:
    """The text of a data file: ``read("schemas", "reana-0.9.json")``."""
    packaged = _PACKAGE.joinpath("data", *parts)
    return (packaged if packaged.exists() else _PACKAGE.parent.joinpath(*parts)).read_text(encoding="utf-8")
