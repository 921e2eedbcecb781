"""Both journeys on real input: `python -m examples.demo` (make demo).

receiver   a model of a receiver, in a process of its own     inbox      its letterbox, as the demo reads it
product    the platform, on a throwaway data directory        payload    the sample events and how bodies are compared
outbound   an event published, signed POSTs received          ledger     who must get what
inbound    calls gathered, dbt builds, the events of its runs  story      what you read, and whether every check held
"""
