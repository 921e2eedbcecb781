"""`python -m gateway.openapi` prints the document: what docs/openapi.json holds."""

import sys

from gateway.openapi.document import rendered

if __name__ == "__main__":
    sys.stdout.buffer.write(rendered())
