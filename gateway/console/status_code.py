"""An endpoint's status code as people read it."""

from http import HTTPStatus


def in_words(status_code: int) -> str:
    """
    >>> in_words(204), in_words(299), in_words(0)
    ('204 No Content', '299', 'no answer')
    """
    if not status_code:
        return "no answer"
    try:
        return f"{status_code} {HTTPStatus(status_code).phrase}"
    except ValueError:
        return str(status_code)
