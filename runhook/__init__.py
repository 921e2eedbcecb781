"""What other services import to speak with Runhook: the generated stubs and a small typed client, nothing of the server."""
