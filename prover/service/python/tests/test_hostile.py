"""Against servers that are broken, slow or hostile."""

from __future__ import annotations

import gzip
import json
import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest

from apodict_client import (
    ApodictError,
    AsyncClient,
    Client,
    JobFailed,
    NotFound,
    ProblemError,
    ProtocolError,
    RateLimited,
    ServerError,
    TimedOut,
    TooLarge,
    TransportError,
    Unavailable,
    _core,
    _http,
    _retry,
)

from .conftest import MakeClient
from .scripted import JOB, MODEL, PROOF, Received, Scripted, job, json_reply, problem, reply

VERSION = json_reply({"version": "0", "api": "v1", "srs": "unsafe"})


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_retry, "FIRST_SECONDS", 0.01)


@pytest.fixture
def client(connect: MakeClient, scripted: Scripted) -> Client:
    return connect(scripted.url, timeout=2.0)


@pytest.fixture
def once(connect: MakeClient, scripted: Scripted) -> Client:
    return connect(scripted.url, timeout=0.5, retries=0)


# Answers that are no answers


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"<html>",
        b"NaN",
        b"[" * 100_000,
        b"1" * 5000,
        b"[]",
        b"null",
        b"{}",
        b'{"version": 1, "api": "v1", "srs": "unsafe"}',
        b'{"version": null, "api": "v1", "srs": "unsafe"}',
    ],
    ids=lambda body: body[:20].decode("latin-1"),
)
def test_garbage_is_refused_at_once(client: Client, scripted: Scripted, body: bytes) -> None:
    scripted.in_turn(reply(200, body))
    with pytest.raises(ProtocolError):
        client.version()
    assert len(scripted.requests) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"id": 1},
        {"state": "done"},
        {"lane": ""},
        {"attempt": True},
        {"attempt": 1.5},
        {"fraction": "0"},
        {"fraction": 10**400},
        {"result": []},
        {"result": {"proofs": {}}},
        {"result": {"proofs": [{"id": PROOF}]}},
        {"error": {"code": "internal"}},
        {"started_ms": "now"},
    ],
    ids=str,
)
def test_a_field_of_another_type_is_refused(client: Client, scripted: Scripted, change: dict[str, object]) -> None:
    scripted.in_turn(json_reply(job() | change))
    with pytest.raises(ProtocolError, match="job"):
        client.job(JOB)


def test_what_is_unknown_is_left_alone(client: Client, scripted: Scripted) -> None:
    scripted.in_turn(json_reply(job() | {"new": {"of": "a later version"}}))
    assert client.job(JOB).raw["new"] == {"of": "a later version"}


def test_an_answer_that_is_too_long(client: Client, scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "MOST_JSON_BYTES", 1000)
    scripted.in_turn(json_reply({"version": "v" * 1000}))
    with pytest.raises(ProtocolError, match="more than 1000 bytes"):
        client.version()


def test_an_answer_that_is_compressed_unasked(client: Client, scripted: Scripted) -> None:
    scripted.in_turn(reply(200, gzip.compress(bytes(1 << 20)), Content_Encoding="gzip"))
    with pytest.raises(ProtocolError, match="gzip"):
        client.version()
    assert scripted.requests[0].headers["accept-encoding"] == "identity"


def test_a_redirect_is_not_followed(connect: MakeClient, scripted: Scripted) -> None:
    scripted.in_turn(reply(307, b"", Location=f"{scripted.url}/elsewhere"))
    with pytest.raises(ProtocolError, match="307"):
        connect(scripted.url, api_key="apo_1").version()
    assert len(scripted.requests) == 1


def test_a_list_that_never_ends(client: Client, scripted: Scripted) -> None:
    scripted.in_turn(json_reply({"items": [], "next_cursor": "7"}))
    with pytest.raises(ProtocolError, match="where it was"):
        list(client.jobs())
    assert [request.target for request in scripted.requests] == ["/v1/jobs?limit=50", "/v1/jobs?limit=50&cursor=7"]


# Slow ones


def test_silence_ends(once: Client, scripted: Scripted) -> None:
    scripted.in_turn([10.0])
    _in_time(TimedOut, once.version)


def test_drops_of_an_answer_end(once: Client, scripted: Scripted) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    scripted.in_turn([head, *list[bytes | float]((b" ", 0.2)) * 100])
    _in_time(TimedOut, once.version)


def test_a_proof_that_does_not_come(once: Client, scripted: Scripted) -> None:
    def answer(request: Received) -> bytes:
        return json_reply(job("running"), 202 if request.method == "POST" else 200)

    scripted.script = answer
    _in_time(TimedOut, lambda: once.prove(MODEL, {}, timeout=1.0))
    assert scripted.requests[0].target == "/v1/prove?wait=1000"


def test_a_proof_is_not_asked_for_again_when_its_time_is_over(connect: MakeClient, scripted: Scripted) -> None:
    scripted.in_turn([10.0])
    client = connect(scripted.url, timeout=0.5, retries=20)
    _in_time(TimedOut, lambda: client.prove(MODEL, {}, timeout=0.5))


def _in_time(kind: type[Exception], call: Callable[[], object]) -> None:
    start = time.monotonic()
    with pytest.raises(kind):
        call()
    assert time.monotonic() - start < 4


# What is tried again


TRUNCATED = reply(200, b'{"version": "0"', Content_Length="100")


@pytest.mark.parametrize("broken", [TRUNCATED, b"", b"HTTP/1.1 200", b"nonsense\r\n\r\n"], ids=range(4))
def test_an_answer_that_breaks_off_is_asked_for_again(client: Client, scripted: Scripted, broken: bytes) -> None:
    scripted.in_turn(broken, broken, VERSION)
    assert client.version().api == "v1"
    assert len(scripted.requests) == 3


def test_not_for_ever(connect: MakeClient, scripted: Scripted) -> None:
    scripted.in_turn(TRUNCATED)
    with pytest.raises(TransportError, match="GET /v1/version"):
        connect(scripted.url, retries=2).version()
    assert len(scripted.requests) == 3


@pytest.mark.parametrize("method", ["submit", "prove"])
def test_a_job_is_sent_again_as_the_same_job(client: Client, scripted: Scripted, method: str) -> None:
    scripted.in_turn(b"", problem(503, "draining"), json_reply(job("succeeded"), 202))
    assert getattr(client, method)(MODEL, {"x": [1.0]}).id == JOB
    first, *others = scripted.requests
    assert len(others) == 2 and all(other == first for other in others)
    assert len(first.headers["idempotency-key"]) == 32
    assert json.loads(first.body) == {"model": MODEL, "inputs": {"x": [1.0]}}


def test_an_upload_is_sent_again_whole(client: Client, scripted: Scripted, tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    file.write_bytes(bytes(range(256)) * 1000)
    scripted.in_turn(b"", problem(409, "model_in_use"))
    with pytest.raises(ProblemError):
        client.submit_model(file, name="n")
    assert len(scripted.requests) == 2
    for request in scripted.requests:
        assert file.read_bytes() in request.body
        assert b'name="model"; filename="m.onnx"' in request.body


def test_a_server_without_a_listener(connect: MakeClient, scripted: Scripted) -> None:
    client = connect("http://127.0.0.1:1", retries=1)
    with pytest.raises(TransportError):
        client.version()


@pytest.mark.parametrize("form", ["seconds", "a date"])
def test_a_pause_that_is_asked_for_is_kept(client: Client, scripted: Scripted, form: str) -> None:
    # A date has whole seconds.
    date = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=2), usegmt=True)
    scripted.in_turn(problem(429, "rate_limited", Retry_After="1" if form == "seconds" else date), VERSION)
    start = time.monotonic()
    client.version()
    assert 0.8 < time.monotonic() - start < 4


@pytest.mark.parametrize("after", ["3600", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_a_pause_that_is_too_long_is_the_callers(client: Client, scripted: Scripted, after: str) -> None:
    scripted.in_turn(problem(503, "unavailable", Retry_After=after))
    with pytest.raises(Unavailable) as raised:
        client.version()
    assert len(scripted.requests) == 1
    assert (raised.value.problem.retry_after or 0) >= 3600


@pytest.mark.parametrize("after", ["-1", "soon", "\xb2", "1e9", ""])
def test_a_pause_that_is_none_is_left_alone(client: Client, scripted: Scripted, after: str) -> None:
    scripted.in_turn(problem(503, "draining", Retry_After=after), VERSION)
    assert client.version().api == "v1"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 500])
def test_what_stays_so_is_not_tried_again(client: Client, scripted: Scripted, status: int) -> None:
    scripted.in_turn(problem(status, "internal"))
    with pytest.raises(ProblemError):
        client.version()
    assert len(scripted.requests) == 1


def test_a_failed_job_is_not_tried_again(client: Client, scripted: Scripted) -> None:
    scripted.in_turn(problem(503, "unavailable", job=JOB))
    with pytest.raises(JobFailed) as raised:
        client.prove(MODEL, {})
    assert (raised.value.problem.job, raised.value.status) == (JOB, 503)
    assert len(scripted.requests) == 1


def test_a_model_that_an_attempt_removed_is_removed(client: Client, scripted: Scripted) -> None:
    scripted.in_turn(b"", problem(404, "not_found"))
    client.delete_model(MODEL)
    assert [request.method for request in scripted.requests] == ["DELETE", "DELETE"]


def test_what_was_never_there_was_not_removed(client: Client, scripted: Scripted) -> None:
    scripted.in_turn(problem(429, "rate_limited"), problem(404, "not_found"))
    with pytest.raises(NotFound):
        client.delete_model(MODEL)


def test_an_artifact_without_an_end_does_not_fill_the_disk(
    client: Client, scripted: Scripted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_core, "MOST_SAVED_BYTES", 3)
    scripted.in_turn(reply(200, b"long", "application/octet-stream"))
    with pytest.raises(ProtocolError, match="more than 3 bytes"):
        client.save_artifact(MODEL, "program", tmp_path / "program")
    assert list(tmp_path.iterdir()) == []


def test_no_proxy_of_the_environment_hears_what_is_for_this_machine(
    connect: MakeClient, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    scripted.in_turn(VERSION)
    assert connect(scripted.url, timeout=2.0, retries=0).version().api == "v1"


def test_a_proxy_that_answers_for_the_service(client: Client, scripted: Scripted) -> None:
    page = reply(502, b"<html>Bad gateway</html>", "text/html")
    scripted.in_turn(page, VERSION)
    assert client.version().api == "v1"
    scripted.in_turn(page)
    with pytest.raises(Unavailable):
        client.version()
    for status, kind, code in ((413, TooLarge, "payload_too_large"), (429, RateLimited, "rate_limited")):
        scripted.in_turn(reply(status, b"<html>", "text/html"))
        with pytest.raises(kind) as raised:
            client.version()
        assert raised.value.code == code
    scripted.in_turn(reply(500, b"<html>", "text/html"))
    with pytest.raises(ProtocolError):
        client.version()
    scripted.in_turn(reply(500, b"{", "application/problem+json"))
    with pytest.raises(ProtocolError):
        client.version()
    scripted.in_turn(problem(500, "a_code_of_a_later_version"))
    with pytest.raises(ServerError, match="a_code_of_a_later_version"):
        client.version()


# Artifacts


CONTENT = b"artifact" * 100_000


def test_an_artifact_that_breaks_off_is_fetched_again(client: Client, scripted: Scripted, tmp_path: Path) -> None:
    half = [reply(200, CONTENT, "application/octet-stream")[:-1000]]
    for answers in ([half, reply(200, CONTENT)], [half]):
        scripted.in_turn(*answers)
        target = tmp_path / "program.apo"
        target.write_bytes(b"before")
        if len(answers) == 2:
            assert client.save_artifact(MODEL, "program", target) == len(CONTENT)
            assert target.read_bytes() == CONTENT
        else:
            with pytest.raises(TransportError):
                client.save_artifact(MODEL, "program", target)
            assert target.read_bytes() == b"before"
        assert list(tmp_path.iterdir()) == [target], "nothing half written stays"
        scripted.in_turn(*answers)
        if len(answers) == 2:
            assert client.artifact(MODEL, "program") == CONTENT


def test_an_artifact_of_another_digest_is_refused(client: Client, scripted: Scripted, tmp_path: Path) -> None:
    scripted.in_turn(reply(200, CONTENT, ETag=f'"{"0" * 64}"'))
    with pytest.raises(ProtocolError, match="damaged"):
        client.artifact(MODEL, "program")
    with pytest.raises(ProtocolError, match="damaged"):
        client.save_artifact(MODEL, "program", tmp_path / "program.apo")
    assert list(tmp_path.iterdir()) == []
    # A proxy's own tag is none of ours.
    scripted.in_turn(reply(200, CONTENT, ETag='W/"66f1"'))
    assert client.artifact(MODEL, "program") == CONTENT


# Arguments


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "job_\n", "job_%2e", "x" * 101, "é"])
def test_what_is_no_name_is_not_sent(client: Client, scripted: Scripted, name: str) -> None:
    for call in (client.job, client.cancel, client.model, client.delete_model, client.proof, client.proof_file):
        with pytest.raises(ValueError, match="expected a name"):
            call(name)
    assert scripted.requests == []


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"inputs": {}, "batch": []},
        {"batch": [], "context": "0x00"},
        {"inputs": {}, "context": b"short"},
        {"inputs": {}, "deadline": 0},
        {"inputs": {}, "deadline": float("nan")},
        {"inputs": {}, "deadline": float("inf")},
        {"inputs": {}, "idempotency_key": ""},
        {"inputs": {}, "idempotency_key": "a\nb"},
        {"inputs": {}, "idempotency_key": " a"},
        {"inputs": {}, "idempotency_key": "é"},
        {"inputs": {"x": float("inf")}},
    ],
    ids=str,
)
def test_arguments_that_fit_nothing_are_not_sent(
    client: Client, scripted: Scripted, arguments: dict[str, object]
) -> None:
    with pytest.raises(ValueError):
        client.submit(MODEL, **arguments)  # type: ignore[arg-type]
    assert scripted.requests == []


def test_inputs_that_are_no_numbers_are_not_sent(client: Client, scripted: Scripted) -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(TypeError, match="cannot send a object"):
        client.submit(MODEL, {"x": object()})
    with pytest.raises(ValueError, match="nested too deeply"):
        client.submit(MODEL, {"x": nested})
    with pytest.raises(FileNotFoundError):
        client.submit_model("/no/such/model.onnx")
    assert scripted.requests == []


@pytest.mark.parametrize("url", ["", "127.0.0.1:8451", "ftp://h", "http://", "http://user:pass@h", "http://h/?a=b"])
def test_addresses_that_are_none(url: str) -> None:
    for make in (Client, AsyncClient):
        with pytest.raises(ValueError, match="url"):
            make(url)


def test_a_prefix_of_a_proxy_is_kept(connect: MakeClient, scripted: Scripted) -> None:
    scripted.in_turn(VERSION)
    connect(f"{scripted.url}/prover/").version()
    assert scripted.requests[0].target == "/prover/v1/version"


# The key

SECRET = "apo_" + "5ec2e7" * 10 + "5ec2"


def test_the_key_is_sent_and_never_shown(
    connect: MakeClient, scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for make in (Client, AsyncClient):
        assert "5ec2e7" not in repr(make(scripted.url, api_key=SECRET))
        for wrong in (f"{SECRET}\n", f"{SECRET} x", f"{SECRET}é"):
            with pytest.raises(ValueError) as refused:
                make(scripted.url, api_key=wrong)
            assert "5ec2e7" not in str(refused.value)
    client = connect(scripted.url, api_key=SECRET, retries=1)
    scripted.in_turn(b"", problem(401, "unauthorized"))
    with pytest.raises(ApodictError) as raised:
        client.version()
    assert [request.headers["authorization"] for request in scripted.requests] == [f"Bearer {SECRET}"] * 2
    shown = [str(raised.value), repr(raised.value), repr(raised.value.__context__), caplog.text]
    assert caplog.records and not any("5ec2e7" in text for text in shown)


def test_the_key_of_the_environment(connect: MakeClient, scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APODICT_API_KEY", SECRET)
    scripted.in_turn(VERSION)
    for options in ({}, {"api_key": "apo_2"}, {"api_key": ""}):
        connect(scripted.url, **options).version()
    sent = [request.headers.get("authorization") for request in scripted.requests]
    assert sent == [f"Bearer {SECRET}", "Bearer apo_2", None]


def test_iterating_may_stop_at_any_time(client: Client, scripted: Scripted) -> None:
    scripted.in_turn(json_reply({"items": [job()] * 3, "next_cursor": "7"}))
    items: Iterator[object] = client.jobs()
    next(items)
    del items
    assert len(scripted.requests) == 1
