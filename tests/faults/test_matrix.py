"""Every fault, on every client that images have, as a serial command and as a job of REANA's CWL engine."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest

from tests.faults.faults import FAULTS, Fault
from tests.faults.site import Cwl, Serial, Staging, World, make_directory

CLIENTS = ("1.30.0", "32.8.6", "35.9.2", "38.6.4", "41.5.1")
CORE = ("1.30.0", "41.5.1")
WRAPPINGS: dict[str, type[Staging]] = {"serial": Serial, "cwl": Cwl}


def cells() -> Iterator[object]:
    for fault in FAULTS:
        for wrapping in WRAPPINGS:
            for clients in CLIENTS:
                marks = [pytest.mark.slow]
                if clients in CORE and wrapping == "serial":
                    marks.append(pytest.mark.faults)
                yield pytest.param(fault, wrapping, clients, marks=marks, id=f"{fault.name}-{wrapping}-{clients}")


@pytest.mark.parametrize(("fault", "wrapping", "clients"), list(cells()))
def test_fault(fault: Fault, wrapping: str, clients: str, world: World) -> None:
    directory = make_directory()
    site = WRAPPINGS[wrapping](world, directory, f"clients-{clients}")
    arranged = fault.arrange(site)
    try:
        next(arranged)
        site.remember()
        result = site.run()
        assert site.wrong(result) == [], result
        assert result.done == (fault.code == 0), result
        if wrapping == "serial" and fault.code != 137:
            assert result.code == fault.code, result
        assert re.search(fault.last, result.last), result
        if fault.code == 0:
            assert site.missing() == [], result
        site.end_pod()
        next(arranged, None)
        again = site.run()
        assert again.done, again
        assert site.missing() == [], again
        assert site.wrong(again) == [], again
        next(arranged, None)
    finally:
        arranged.close()
        site.close()
        shutil.rmtree(directory, ignore_errors=True)
