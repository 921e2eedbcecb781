"""Salesforce outbound messages: nothing is signed; without a SOAP acknowledgement Salesforce sends them again for a day.

Looked through by pattern and never parsed as XML: a DTD in it is text like any other. A message with several notifications
is known again by all of their ids.
"""

import re

from trigger_svc.verification.request import Request
from trigger_svc.verification.terms import Terms
from trigger_svc.verification.verdict import Reply, Verdict, Verified

NAMESPACE = b"http://soap.sforce.com/2005/09/outbound"
_NOTIFICATION = re.compile(
    rb"<(?:[A-Za-z0-9_]{1,30}:)?Notification>\s{0,100}<(?:[A-Za-z0-9_]{1,30}:)?Id>([A-Za-z0-9]{15,18})<"
)
ACKNOWLEDGEMENT = Reply(
    media_type="text/xml; charset=utf-8",
    body=b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>",
)


def verify(request: Request, terms: Terms, now: float) -> Verdict:
    """Every call; an outbound message is acknowledged."""
    if NAMESPACE not in request.body:
        return Verified()
    ids = sorted(set(_NOTIFICATION.findall(request.body)))
    return Verified(key=b",".join(ids) or None, reply=ACKNOWLEDGEMENT)
