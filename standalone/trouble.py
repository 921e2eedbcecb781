"""What stops a start and only a person can mend. Invariant: its text is one line that says what to do."""


class Trouble(Exception):
    """One clear line for the person at the terminal."""
