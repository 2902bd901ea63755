"""What PyYAML, and so REANA, makes of a scalar: YAML 1.1, in which `on` is true and 1:30 is 90."""

from __future__ import annotations

import re
from typing import Any

_LONGEST_NUMBER = 200  # beyond it no number is meant
_MOST_DIGITS = 4300  # beyond it Python refuses to convert


class Date:
    """A plain scalar that YAML 1.1 reads as a date: no JSON has it, so that REANA refuses it everywhere."""


class BadNumber:
    """A plain scalar that YAML 1.1 takes for a number and PyYAML cannot make one of: REANA refuses the file."""


# What PyYAML, and so REANA, makes of a plain scalar (YAML 1.1).
_BOOLEANS = dict.fromkeys(("yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True)
_BOOLEANS.update(dict.fromkeys(("no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False))
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_FIRST_OF_NUMBERS = "+-.0123456789"
_INTEGER = r"[-+]?(?:0b[0-1_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)\Z"
_FLOAT = (
    r"(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}"


def scalar_data(text: str, tag: str, style: str) -> Any:
    """The plain Python value of a scalar with this text; ``tag`` is the last word of its tag, empty without one."""
    if len(text) > _LONGEST_NUMBER:
        huge = len(text) > _MOST_DIGITS and style == "plain" and not tag and re.match(_INTEGER, text)
        return BadNumber() if huge else text
    if tag == "str" or (not tag and style != "plain"):
        return text
    if text in _BOOLEANS and tag in ("", "bool"):
        return _BOOLEANS[text]
    if text in _NULLS and tag in ("", "null"):
        return None
    return _number(text, tag) if text[:1] in _FIRST_OF_NUMBERS else text


def _number(text: str, tag: str) -> int | float | str | Date | BadNumber:
    if not tag and "-" in text and re.match(_DATE, text):
        return Date()
    points = text.count(".")
    if not points and re.match(_INTEGER, text) and tag in ("", "int"):
        return _integer(text.replace("_", ""))
    if points == 1 and re.match(_FLOAT, text) and tag in ("", "float"):
        return _float(text.replace("_", "").lower())
    return text


def _integer(text: str) -> int | BadNumber:
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    if digits in ("0x", "0b"):  # of `0x_`, where the underscore counts as a digit, and then for nothing
        return BadNumber()
    if ":" in digits:
        total = 0
        for part in digits.split(":"):
            total = total * 60 + int(part)
        return sign * total
    if digits.startswith("0") and digits[1:].isdigit():
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def _float(text: str) -> float:
    if ":" in text:
        total = 0.0
        for part in text.lstrip("+-").split(":"):
            total = total * 60 + float(part)
        return -total if text.startswith("-") else total
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))
