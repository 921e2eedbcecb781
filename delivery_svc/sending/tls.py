"""How TLS endpoints are trusted: one context for the whole process, because making one takes 30 ms.

Invariant: certificates and names are always verified, and nothing older than TLS 1.2 is spoken.
"""

import ssl


def tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """The context for every TLS endpoint: the system's roots, and with `ca_file` (PEM) a private authority beside them.

    OSError if the file cannot be read, ssl.SSLError if it holds no certificate.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


def tls_detail(failure: Exception) -> str:
    """One sentence for people on why there is no TLS connection, or no longer."""
    if isinstance(failure, ssl.SSLCertVerificationError):
        return f"The endpoint's certificate could not be verified: {failure.verify_message}"
    if isinstance(failure, ssl.SSLError) and failure.reason:
        return f"The TLS handshake failed: {failure.reason.lower().replace('_', ' ')}."
    return "The endpoint closed the connection during the TLS handshake."
