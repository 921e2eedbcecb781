"""What short texts of callers must be, in words for whoever wrote them. Invariant: Postgres can store what passes."""

from collections.abc import Iterator


def complaints(text: str, *, longest: int, required: bool) -> Iterator[str]:
    """Every rule that the text breaks; `longest` counts characters, not bytes.

    >>> list(complaints("", longest=255, required=True))
    ['is required: 1 to 255 characters']
    """
    if required and not text:
        yield f"is required: 1 to {longest:,} characters"
    if len(text) > longest:
        yield f"must have at most {longest:,} characters"
    if "\x00" in text:
        yield "must not hold a NUL character"
