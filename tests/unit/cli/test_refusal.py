"""What an answer means: its exit code, its line, its bad fields."""

import json
from email.utils import formatdate
from time import time
from typing import Any

import pytest

from cli.refusal import Answer
from cli.trouble import ExitCode, Trouble

URL = "http://platform.example"


def answer(status: int, document: Any = None, **headers: str) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Answer(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body)


def trouble(status: int, document: Any = None, **headers: str) -> Trouble:
    with pytest.raises(Trouble) as raised:
        answer(status, document, **headers).document(URL)
    return raised.value


def problem(status: int, detail: str = "no", **more: Any) -> dict[str, Any]:
    return {"type": "about:blank", "title": "No", "status": status, "detail": detail, "reason": "NO", **more}


def envelope(status: int, message: str = "No.", data: Any = None) -> dict[str, Any]:
    about = {"code": status, "is_success": False, "user_message": message, "developer_message": ""}
    return {"status": about, "data": data}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, ExitCode.REFUSED),
        (401, ExitCode.NOT_ALLOWED),
        (403, ExitCode.NOT_ALLOWED),
        (404, ExitCode.NOT_FOUND),
        (405, ExitCode.REFUSED),
        (409, ExitCode.REFUSED),
        (413, ExitCode.REFUSED),
        (429, ExitCode.AWAY),
        (500, ExitCode.AWAY),
        (501, ExitCode.AWAY),
        (503, ExitCode.AWAY),
    ],
)
def test_a_status_has_one_exit_code_in_both_formats(status: int, code: ExitCode) -> None:
    assert trouble(status, problem(status)).code is code
    assert trouble(status, envelope(status)).code is code


def test_bad_fields_are_listed_under_the_line_with_the_request_id(capsys: pytest.CaptureFixture[str]) -> None:
    errors = [{"field": "name", "message": "must not be empty"}, {"field": "x\x1b[2J", "message": "no"}]
    trouble(400, problem(400, errors=errors), x_request_id="abc-1").show()
    assert capsys.readouterr().err == (
        "runhook: the request was refused\n  name: must not be empty\n  x\\x1b[2J: no\n  request id abc-1\n"
    )
    assert trouble(400, envelope(400, data={"name": "must not be empty"})).fields == (("name", "must not be empty"),)


def test_fixed_texts_get_a_hint_and_our_own_words_stay_as_they_are() -> None:
    assert trouble(401, envelope(401, "Invalid token.")).message.startswith("Invalid token (check --token-file")
    assert trouble(403, problem(403, "ask the operator")).message == "ask the operator"


@pytest.mark.parametrize("document", [b"<html>", b"", b"[1]", b"[" * 100_000, {"error": "x"}, {"status": "down"}])
@pytest.mark.parametrize("status", [400, 404, 502, 503])
def test_whoever_answers_otherwise_is_no_platform(status: int, document: Any) -> None:
    assert trouble(status, document).code is ExitCode.AWAY


@pytest.mark.parametrize("document", [b"<html>", b"", b"[1]"])
def test_a_good_status_alone_is_no_answer(document: bytes) -> None:
    assert "not as the platform does: check --url" in trouble(200, document).message


@pytest.mark.parametrize("data", ["text", 7, ["a"], None])
@pytest.mark.parametrize("errors", ["text", 7, ["a", {}], None])
def test_odd_details_are_passed_over(data: Any, errors: Any) -> None:
    assert trouble(400, envelope(400, data=data)).code is ExitCode.REFUSED
    assert trouble(400, problem(400, errors=errors)).code is ExitCode.REFUSED


def test_waiting_is_what_the_answer_says_and_helps_only_where_it_can() -> None:
    assert answer(503, retry_after="7").seconds_to_wait() == 7
    assert answer(429, retry_after="soon").seconds_to_wait() == 1
    assert answer(429).seconds_to_wait() == 1
    assert answer(500, retry_after="7").seconds_to_wait() is None
    in_a_minute = answer(503, retry_after=formatdate(time() + 60, usegmt=True)).seconds_to_wait()
    assert in_a_minute is not None
    assert 50 < in_a_minute <= 60
    assert answer(503, retry_after=formatdate(0, usegmt=True)).seconds_to_wait() == 0


def test_a_wait_that_is_too_long_is_told() -> None:
    assert trouble(429, problem(429, "too many"), retry_after="3600").message == "too many (it asks to wait 3600 s)"
