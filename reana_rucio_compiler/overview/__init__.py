"""What a compiled specification will move, and where: gathered by ``facts``, shown by one module for each format."""

from __future__ import annotations

MODULES = {"text": "text", "json": "data", "mermaid": "mermaid", "html": "page"}  # by format
FORMATS = tuple(MODULES)
