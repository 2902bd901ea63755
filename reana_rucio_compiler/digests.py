"""SHA-256 of texts, by the interpreter's own code where it has some: ``hashlib`` loads OpenSSL, at each start."""

from __future__ import annotations

import sys
from importlib import import_module

_MODULE = "_sha2" if sys.version_info >= (3, 12) else "_sha256"  # which random.py of the standard library uses, too


def sha256(text: str) -> str:
    """The digest of a text in UTF-8, in hexadecimal."""
    try:
        module = import_module(_MODULE)
    except ImportError:  # an interpreter that is built without it
        module = import_module("hashlib")
    found: str = module.sha256(text.encode()).hexdigest()
    return found
