"""What the gateway serves, as OpenAPI 3.1: the document, the operations that make it up, and a page for people."""
