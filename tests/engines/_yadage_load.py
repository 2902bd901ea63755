"""What yadage-schemas makes of workflows:  python _yadage_load.py REQUEST ANSWER   (under a REANA environment).

The request is a list of directory, file name and text: each text is written there, loaded and validated, and removed. The
answer is for each the error, or null.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path


def refusal(directory: str, name: str, text: str) -> str | None:
    import yadageschemas

    place = Path(directory, name)
    place.write_text(text)
    schema = {"schema_name": "yadage/workflow-schema", "schemadir": yadageschemas.schemadir}
    options = {"toplevel": directory, "load_as_ref": False, **schema}
    try:
        yadageschemas.load(name, specopts=options, validopts=schema, validate=True)
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"[:300]
    finally:
        place.unlink()
    return None


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    requests = json.loads(Path(sys.argv[1]).read_text())
    Path(sys.argv[2]).write_text(json.dumps([refusal(*request) for request in requests]))
