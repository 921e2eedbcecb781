"""The `runhook` command. Invariant: a subcommand is a row of the table in __main__.py; its room is loaded when called."""
