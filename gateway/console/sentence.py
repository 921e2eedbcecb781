"""What services say, as people read it."""


def sentence(text: str) -> str:
    """What a service said, as a sentence of its own.

    >>> sentence("the name is taken"), sentence("Gone."), sentence("")
    ('The name is taken.', 'Gone.', '')
    """
    return f"{text[0].upper()}{text[1:].removesuffix('.')}." if text else ""
