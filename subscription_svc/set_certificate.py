"""Replaces a subscription's client certificate. Invariant: certificate and key are stored sealed, in one row, or not at all."""

import asyncpg

from chassis.keyring import KeyRing
from chassis.logs import get_logger
from subscription_svc import look_up, metrics
from subscription_svc.change import changing
from subscription_svc.client_certificate import KIND, ClientCertificate, Told, dump, dump_told, read, row_name
from subscription_svc.store import account, secret_setting

log = get_logger()


async def set_certificate(
    pool: asyncpg.Pool, key_ring: KeyRing, account_id: int, public_id: str, *, certificate_chain: str, private_key: str
) -> Told | None:
    """What may be told of what is shown from now on; None when both texts are empty, which takes it away.

    InvalidInput names every bad field; NotFound.
    """
    look_up.check_form(public_id)
    certificate: ClientCertificate | None = None
    if certificate_chain or private_key:
        certificate = read(certificate_chain, private_key, await account.now(pool))
    async with changing(pool, account_id, public_id) as (connection, subscription_id):
        if certificate is None:
            await secret_setting.delete(connection, subscription_id, KIND)
        else:
            sealed = key_ring.seal(dump(certificate), row_name(subscription_id))
            await secret_setting.put(connection, subscription_id, KIND, sealed, told=dump_told(certificate.told))
    metrics.CLIENT_CERTIFICATE_SET.inc()
    told = None if certificate is None else certificate.told
    fingerprint = "" if told is None else told.fingerprint
    log.info("client_certificate.set", account=account_id, subscription=public_id, fingerprint=fingerprint)
    return told
