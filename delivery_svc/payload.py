"""The body of a delivery: the same bytes at every attempt, whatever was renamed or reconfigured since it was published."""

from functools import lru_cache
from json.encoder import encode_basestring

from delivery_svc.event import Event, nanosecond_text


def render_body(event: Event, subscription_public_id: str, webhook_name: str) -> bytes:
    """The JSON that is signed and sent, keys in the order of contract/outbound.md section 3 item 1.

    The subscription's id goes out as `webhooksID` and as `webhookId`: receivers of either spelling exist.
    """
    return b"".join(
        (
            f'{{"accountId":{event.account_id},"webhooksID":"{subscription_public_id}","eventId":"{event.event_id}"'
            f',"timestamp":"{nanosecond_text(event.event_time_ns)}","eventType":"{event.event_type}"'.encode(),
            _name_part(subscription_public_id, webhook_name),
            event.data,
            b"}",
        )
    )


@lru_cache(maxsize=4096)
def _name_part(subscription_public_id: str, webhook_name: str) -> bytes:
    return f',"webhookId":"{subscription_public_id}","webhookName":{encode_basestring(webhook_name)},"data":'.encode()
