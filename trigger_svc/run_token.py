"""A run token: what a pod that carries out one run may hold. It is good for that run under that lease, and for nothing else.

Guards that it needs no row: it is an empty secret sealed by the key ring for "this run under this lease", so every pod of
trigger_svc makes and knows it, it rotates with the keys, and it ends when the lease is another's or the run is over.
"""

import base64

from chassis.keyring import KeyRing

PREFIX = "rrt_"
LONGEST = 512


def make_run_token(key_ring: KeyRing, run_id: int, lease_id: int) -> str:
    """The token of a run under a lease."""
    return PREFIX + base64.urlsafe_b64encode(key_ring.seal(b"", _row(run_id, lease_id))).decode()


def is_run_token(key_ring: KeyRing, token: str, run_id: int, lease_id: int) -> bool:
    """Whether the token is of this run under this lease; whether the lease still holds is for the database to say."""
    if len(token) > LONGEST:
        return False
    try:
        sealed = base64.urlsafe_b64decode(token.removeprefix(PREFIX).encode("ascii"))
        return key_ring.open(sealed, _row(run_id, lease_id)) == b""
    except ValueError:
        return False


def _row(run_id: int, lease_id: int) -> str:
    return f"run_token:{run_id}:{lease_id}"
