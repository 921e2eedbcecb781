"""Papers for mutual TLS, as a cluster's certificate authority would mount them: three files in a directory."""

from pathlib import Path

import trustme

CERT, KEY, CA = "tls.crt", "tls.key", "ca.crt"
SETTINGS = ("TLS_CERT_FILE", "TLS_KEY_FILE", "TLS_CA_FILE")


def issue(authority: trustme.CA, directory: Path, *names: str, trusts: bytes = b"") -> dict[str, Path]:
    """Writes new papers for these names, and which authorities they trust: this one, or those of a PEM text. Settings without
    the prefix."""
    directory.mkdir(exist_ok=True)
    made = authority.issue_cert(*names)
    # Put in place one by one, each whole, as a mount's are.
    _place(directory / CERT, b"".join(blob.bytes() for blob in made.cert_chain_pems))
    _place(directory / KEY, made.private_key_pem.bytes())
    _place(directory / CA, trusts or authority.cert_pem.bytes())
    return dict(zip(SETTINGS, (directory / CERT, directory / KEY, directory / CA), strict=True))


def fields(papers: dict[str, Path]) -> dict[str, Path]:
    """The same as fields of a Settings class."""
    return {name.lower(): path for name, path in papers.items()}


def _place(path: Path, content: bytes) -> None:
    written = path.with_suffix(".new")
    written.write_bytes(content)
    written.replace(path)
