"""The rows of the fault matrix, by what fails."""

from tests.faults.fault import Fault
from tests.faults.rows import access, catalogue, outputs, processes, server, storage, workspace

ROWS: dict[str, tuple[Fault, ...]] = {
    "The server": server.FAULTS,
    "What it knows": catalogue.FAULTS,
    "The storage": storage.FAULTS,
    "Outputs": outputs.FAULTS,
    "Who asks": access.FAULTS,
    "The workspace": workspace.FAULTS,
    "The process": processes.FAULTS,
}
FAULTS: tuple[Fault, ...] = tuple(fault for faults in ROWS.values() for fault in faults)
