"""Messages of the server, as a receiver gets them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pytest

from apodict_client import Client, InvalidWebhook, ProtocolError, verify_webhook

from .running import STORY, Server, binary

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
SENT = 1_700_000_000
DATA: dict[str, Any] = {
    "id": "job_1",
    "kind": "prove",
    "state": "failed",
    "model": "mdl_1",
    "attempt": 2,
    "created_ms": 1,
    "finished_ms": 3,
    "error_code": "internal",
}
BODY = json.dumps({"type": "job.failed", "data": DATA}).encode()


def signature(key: bytes, body: bytes, sent: str = str(SENT)) -> str:
    digest = hmac.new(key, b"msg_1." + sent.encode() + b"." + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(**changed: str) -> dict[str, str]:
    signed = {"id": "msg_1", "timestamp": str(SENT), "signature": signature(KEY, BODY)}
    return {f"Webhook-{name.title()}": value for name, value in (signed | changed).items()}


def test_the_example_of_the_standard() -> None:
    body = b'{"test": 2432232314}'
    signed = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    # It is signed as it should be, and is no message of this server.
    with pytest.raises(ProtocolError):
        verify_webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", signed, body, now=1614265330)


def test_a_message_is_read_once_it_is_verified() -> None:
    message = verify_webhook(SECRET, headers(), BODY, now=SENT + 299)
    assert (message.id, message.type, message.job, message.attempt) == ("msg_1", "job.failed", "job_1", 2)
    assert (message.started_ms, message.finished_ms, message.error_code) == (None, 3, "internal")
    # While a secret is replaced, there are two signatures.
    both = f"{signature(b'new', BODY)} {signature(KEY, BODY)}"
    assert verify_webhook(SECRET, headers(signature=both), BODY, now=SENT).job == "job_1"


@pytest.mark.parametrize(
    ("changed", "body", "now"),
    [
        ({"signature": signature(b"another", BODY)}, BODY, SENT),
        ({"signature": signature(KEY, BODY).replace("v1,", "v2,")}, BODY, SENT),
        ({"signature": ""}, BODY, SENT),
        ({"signature": "v1,"}, BODY, SENT),
        ({"signature": "v1,\u00e9"}, BODY, SENT),
        ({"id": "msg_2"}, BODY, SENT),
        ({"timestamp": str(SENT + 1)}, BODY, SENT),
        ({"timestamp": "\u0661"}, BODY, SENT),
        ({"timestamp": "-1"}, BODY, SENT),
        ({"timestamp": "9" * 4400}, BODY, SENT),
        ({}, BODY + b" ", SENT),
        ({}, BODY, SENT + 301),
        ({}, BODY, SENT - 301),
        ({"signature": signature(KEY, b"x" * 70_000)}, b"x" * 70_000, SENT),
    ],
)
def test_what_is_not_signed_or_not_now_is_refused(changed: dict[str, str], body: bytes, now: float) -> None:
    with pytest.raises(InvalidWebhook):
        verify_webhook(SECRET, headers(**changed), body, now=now)


def test_what_is_missing_or_no_secret() -> None:
    for name in headers():
        with pytest.raises(InvalidWebhook, match="there is no header"):
            verify_webhook(SECRET, {other: value for other, value in headers().items() if other != name}, BODY)
    for secret in ("", "whsec_", "whsec_?", SECRET.removeprefix("whsec_"), "whsec_\u00e9"):
        with pytest.raises(ValueError, match="secret: expected"):
            verify_webhook(secret, headers(), BODY)
    body = BODY.replace(b"job.failed", b"job.succeeded")
    with pytest.raises(ProtocolError):
        verify_webhook(SECRET, headers(signature=signature(KEY, body)), body, now=SENT)


def test_the_server_tells_of_a_job(start: Callable[..., Server]) -> None:
    came: list[tuple[dict[str, str], bytes]] = []
    told = threading.Event()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append((dict(self.headers.items()), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            told.set()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        server = start("--webhooks", "--webhook-allow", "127.0.0.1")
        command = [binary(), "--json", "webhook-secret", "create", "--data", str(server.data)]
        made = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, timeout=60)
        secret = json.loads(made.stdout)["secret"]
        url = f"http://127.0.0.1:{receiver.server_address[1]}/hook"
        with Client(server.url) as client:
            model = client.submit_model(STORY / "model.onnx", STORY / "calibration.json", webhook=url)
            assert told.wait(120)
            message = verify_webhook(secret, *came[0])
            assert (message.job, message.kind, message.type) == (model.job, "compile", "job.succeeded")
            job = client.wait(model.job, timeout=60)
            assert job.webhook is not None and job.webhook.host == url.removesuffix("/hook")
            assert job.webhook.message == message.id
            lines = list(client.logs(model.job, page=2))
            assert [lines[0].event, lines[1].attempt, lines[-1].event] == ["queued", 1, "succeeded"]
            assert any(line.stage == "keys" and line.message.startswith("keys begins") for line in lines)
        receiver.shutdown()
