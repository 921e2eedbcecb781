"""Runs in a client's own Python and calls its methods as a program of its user would: names in, what they return out.

`python driver.py MODULE:NAME ATTRIBUTE OPTIONS`; then a line `[method, [arguments], {named}]` on stdin for each call, and
`{"returned": ...}` or `{"raised": ...}` on stdout. What clients print goes to stderr. HTTP answers become their JSON.
"""

import importlib
import json
import os
import sys
from typing import Any


def main(made_by: str, attribute: str, options: str) -> None:
    """Make the client, then call it until stdin ends."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module, _, name = made_by.partition(":")
    client: Any = getattr(importlib.import_module(module), name)(**json.loads(options))
    if attribute:
        client = getattr(client, attribute)
    for line in sys.stdin:
        method, arguments, named = json.loads(line)
        answer: dict[str, Any]
        try:
            answer = {"returned": getattr(client, method)(*arguments, **named)}
        except Exception as error:
            answer = {"raised": type(error).__name__ + ": " + str(error)}
        out.write(json.dumps(answer, default=lambda response: response.json()) + "\n")
        out.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
