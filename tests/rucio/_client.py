"""Rucio client calls on request; run by server.py under a clients environment, with RUCIO_CONFIG set.

Reads one JSON request per line of standard input, {"method", "args", "kwargs"} or {"upload": [items]}, and answers each
with one line of JSON, {"result"} or {"error": class name, "message"}.
"""

from __future__ import annotations

import collections.abc
import json
import os
import sys


def main() -> None:
    # Whatever the client prints must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from rucio.client import Client
    from rucio.client.uploadclient import UploadClient
    from rucio.common.exception import RucioException

    client = Client()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "upload" in request:
                result = UploadClient(_client=client).upload(request["upload"])
            else:
                result = getattr(client, request["method"])(*request["args"], **request["kwargs"])
            answer = {"result": plain(result)}
        except RucioException as error:
            answer = {"error": type(error).__name__, "message": str(error)}
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()


def plain(result: object) -> object:
    """Generators as lists: many methods return one, and fail only when it is read."""
    return list(result) if isinstance(result, collections.abc.Iterator) else result


if __name__ == "__main__":
    main()
