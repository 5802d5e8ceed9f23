"""Against the running service."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import blake3
import numpy as np
import pytest

from apodict_client import (
    ApodictError,
    AsyncClient,
    Client,
    Conflict,
    Decision,
    Forbidden,
    InvalidRequest,
    JobCancelled,
    JobFailed,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthorized,
)

from .conftest import MakeClient
from .running import STORY, Server

MODEL, CALIBRATION = STORY / "model.onnx", STORY / "calibration.json"
INPUTS: dict[str, Any] = json.loads((STORY / "inputs" / "stretched.json").read_text())["inputs"]
CONTEXT = bytes(31) + b"\xff"


@pytest.fixture
def client(connect: MakeClient, running: Server) -> Client:
    return connect(running.url)


@pytest.fixture
def model(client: Client) -> str:
    return client.compile(MODEL, CALIBRATION, timeout=120).id


def code_of(kind: type[ApodictError], call: Callable[[], object]) -> str:
    with pytest.raises(kind) as raised:
        call()
    assert type(raised.value) is kind
    return str(getattr(raised.value, "code", ""))


def test_a_model_is_compiled_once(client: Client, model: str) -> None:
    calibration = json.loads(CALIBRATION.read_text())
    described = client.model(model)
    assert (described.name, described.state) == ("model.onnx", "ready")
    assert described.program is not None
    assert described.program.artifacts == ("program", "key", "report", "contract")
    assert described.onnx == blake3.blake3(MODEL.read_bytes()).hexdigest()
    again = client.submit_model(str(MODEL), CALIBRATION.read_bytes())
    assert again.id == model
    # Other options are another model; samples may be given as values.
    other = client.compile(MODEL.read_bytes(), calibration, options={"bits": 11}, name="eleven", timeout=120)
    assert (other.name, other.raw["options"]) == ("eleven", {"bits": 11})
    assert {listed.id for listed in client.models(page=1)} >= {model, other.id}
    client.delete_model(other.id)
    assert code_of(NotFound, lambda: client.model(other.id)) == "not_found"


def test_a_decision_is_proved_and_verified(client: Client, model: str) -> None:
    job = client.prove(model, INPUTS, context=CONTEXT, timeout=60)
    assert (job.state, job.kind, job.model, job.error) == ("succeeded", "prove", model, None)
    (reference,) = job.proofs
    assert reference.prove_ms > 0 and "witness" in reference.stages_ms
    (proof,) = client.proofs(job.id)
    assert (proof.id, proof.job, proof.position) == (reference.id, job.id, 0)
    assert proof.verification.valid and proof.verification.srs == "unsafe"
    assert proof.verification.context == f"0x{CONTEXT.hex()}"
    assert proof.verification.key_digest == reference.key_digest
    file = client.proof_file(proof.id)
    assert json.loads(file) == proof.file
    assert client.verify(file).outputs == client.verify(proof.file).outputs == proof.verification.outputs
    forged = dict(proof.file) | {"instances": [*proof.file["instances"][:-1], f"0x{CONTEXT.hex()}"]}
    refused = client.verify(forged)
    assert not refused.valid and refused.reason and refused.outputs is None
    assert code_of(NotFound, lambda: client.verify(forged | {"key_digest": f"0x{CONTEXT.hex()}"})) == "unknown_key"
    assert code_of(InvalidRequest, lambda: client.verify({})) == "invalid_request"


def test_arrays_are_inputs(client: Client, model: str) -> None:
    (values,) = INPUTS["features"]
    by_array = client.prove(model, {"features": np.array([values])}, timeout=60)
    by_rows = client.prove(model, {"features": [np.array(values, dtype=np.float64)]}, timeout=60)
    by_list = client.prove(model, INPUTS, timeout=60)
    outputs = [client.proof(job.proofs[0].id).verification.outputs for job in (by_array, by_rows, by_list)]
    assert outputs[0] == outputs[1] == outputs[2]
    with pytest.raises(ValueError, match="JSON compliant"):
        client.submit(model, {"features": np.array([[np.nan]])})


def test_a_batch_has_a_proof_of_each(client: Client, model: str) -> None:
    job = client.submit(model, batch=[Decision(INPUTS), Decision(INPUTS, CONTEXT)], priority=5, deadline=300)
    assert (job.priority, job.lane) == (5, "long")
    assert job.deadline_ms is not None and 290_000 < job.deadline_ms - job.created_ms <= 300_000
    done = client.wait(job.id, timeout=120)
    contexts = [proof.verification.context for proof in client.proofs(done.id)]
    assert contexts == [f"0x{0:064x}", f"0x{CONTEXT.hex()}"]
    events = list(client.events(job.id, timeout=60))
    assert [event.kind for event in events if event.kind != "stage"] == ["queued", "started", "succeeded"]
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert all(0 <= event.data["fraction"] <= 1 for event in events if event.kind == "stage")
    after = list(client.events(job.id, after=len(events) - 1, timeout=60))
    assert [event.kind for event in after] == ["succeeded"]
    # Told at once that there is no more.
    start = time.monotonic()
    assert list(client.events(job.id, after=len(events), timeout=60)) == []
    assert time.monotonic() - start < 1.5


def test_inputs_are_forgotten_once_the_job_has_ended(connect: MakeClient, start: Callable[..., Server]) -> None:
    server = start()
    client = connect(server.url)
    model = client.compile(MODEL, CALIBRATION, timeout=120).id
    kept, forgotten = (client.prove(model, INPUTS, forget_inputs=forget, timeout=60) for forget in (False, True))
    server.stop()
    with closing(sqlite3.connect(server.data / "jobs.db")) as database:
        payloads = dict(database.execute("SELECT id, payload FROM jobs WHERE kind = 'prove'"))
    assert payloads[kept.id] != "{}" and payloads[forgotten.id] == "{}"


def test_artifacts_are_what_was_made(client: Client, model: str, tmp_path: Path) -> None:
    for name in ("program", "key", "report", "contract"):
        content = client.artifact(model, name)
        target = tmp_path / name
        target.write_bytes(b"before")
        assert client.save_artifact(model, name, target) == len(content)
        assert target.read_bytes() == content
    assert "contracts" in client.artifact(model, "contract").decode() or json.loads(client.artifact(model, "key"))
    assert len(list(tmp_path.iterdir())) == 4, "nothing half written stays"
    with pytest.raises(NotFound):
        client.save_artifact(model, "nothing", tmp_path / "nothing")  # type: ignore[arg-type]
    assert len(list(tmp_path.iterdir())) == 4


def test_jobs_are_listed_page_by_page(client: Client, model: str) -> None:
    made = [client.submit(model, INPUTS).id for _ in range(5)]
    listed = [job.id for job in client.jobs(kind="prove", model=model, page=2)]
    assert listed[:5] == made[::-1]
    assert len(set(listed)) == len(listed)
    for job in made:
        client.wait(job, timeout=60)
    assert {job.state for job in client.jobs(state="succeeded", model=model)} == {"succeeded"}
    assert code_of(InvalidRequest, lambda: list(client.jobs(page=201))) == "invalid_request"


def test_a_request_that_comes_twice_is_one_job(client: Client, model: str) -> None:
    key = f"a key {time.time_ns()}"
    first = client.submit(model, INPUTS, idempotency_key=key)
    assert client.submit(model, INPUTS, idempotency_key=key).id == first.id
    assert client.prove(model, INPUTS, idempotency_key=key, timeout=60).id == first.id
    assert code_of(Conflict, lambda: client.submit(model, INPUTS, priority=1, idempotency_key=key)) == (
        "idempotency_conflict"
    )
    assert client.submit(model, INPUTS).id != client.submit(model, INPUTS).id


def test_jobs_that_fail_say_why(client: Client, model: str) -> None:
    wrong = {"features": [[1.0]]}
    assert code_of(JobFailed, lambda: client.prove(model, wrong, timeout=60)) == "invalid_input"
    job = client.submit(model, wrong)
    assert code_of(JobFailed, lambda: client.wait(job.id, timeout=60)) == "invalid_input"
    assert code_of(JobFailed, lambda: list(client.proofs(job.id))) == "invalid_input"
    assert code_of(JobFailed, lambda: client.compile(b"no model", timeout=60)) == "model_rejected"
    # What failed is tried anew when it is handed in again.
    failed = client.submit_model(b"no model", name="again")
    with pytest.raises(JobFailed):
        client.wait(failed.job, timeout=60)
    failed = client.model(failed.id)
    assert (failed.state, failed.error and failed.error.code) == ("failed", "model_rejected")
    assert code_of(Conflict, lambda: client.submit(failed.id, INPUTS)) == "model_not_ready"
    late = client.submit(model, batch=[Decision(INPUTS)] * 200, deadline=0.2)
    assert code_of(JobFailed, lambda: client.wait(late.id, timeout=60)) == "deadline_exceeded"


def test_a_job_is_cancelled_while_it_is_waited_for(client: Client, model: str) -> None:
    job = client.submit(model, batch=[Decision(INPUTS)] * 200)
    with pytest.raises(TimeoutError):
        client.wait(job.id, timeout=0.3)
    for event in client.events(job.id, timeout=60):
        if event.kind == "stage":
            client.cancel(job.id)
            break
    with pytest.raises(JobCancelled) as raised:
        client.wait(job.id, timeout=60)
    assert (raised.value.code, raised.value.problem.job) == ("cancelled", job.id)
    assert client.cancel(job.id).state == "cancelled"


def test_a_server_that_is_killed_and_started_again_is_waited_for(
    connect: MakeClient, start: Callable[..., Server]
) -> None:
    server = start()
    client = connect(server.url)
    model = client.compile(MODEL, CALIBRATION, timeout=120).id
    job = client.submit(model, batch=[Decision(INPUTS)] * 40)
    next(event for event in client.events(job.id, timeout=60) if event.kind == "stage")

    def kill() -> None:
        server.kill()
        # Longer than one round of retries.
        time.sleep(5)
        server.start_again()

    killing = threading.Timer(0.2, kill)
    killing.start()
    done = client.wait(job.id, timeout=120)
    killing.join()
    assert (done.state, done.attempt, len(done.proofs)) == ("succeeded", 2, 40)


def test_keys_and_their_scopes(
    connect: MakeClient, start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start()
    key, reader = server.key("--tenant", "one"), server.key("--tenant", "one", "--scope", "read")
    assert code_of(Unauthorized, lambda: list(connect(server.url).jobs())) == "unauthorized"
    assert code_of(Unauthorized, lambda: list(connect(server.url, api_key="apo_0").jobs())) == "unauthorized"
    assert list(connect(server.url, api_key=key).jobs()) == []
    monkeypatch.setenv("APODICT_API_KEY", reader)
    client = connect(server.url)
    assert list(client.models()) == []
    assert code_of(Forbidden, lambda: client.submit_model(b"x")) == "forbidden"
    # An empty argument is none: no key is sent.
    assert code_of(Unauthorized, lambda: list(connect(server.url, api_key="").jobs())) == "unauthorized"


def test_what_was_done_is_told(connect: MakeClient, start: Callable[..., Server]) -> None:
    server = start()
    client = connect(server.url, api_key=server.key("--tenant", "one"))
    server.key("--tenant", "one", "--scope", "read")
    assert code_of(JobFailed, lambda: client.compile(b"no model", timeout=60)) == "model_rejected"
    # The last first, however many are asked for at once.
    submitted, second, first = client.audit(page=1)
    assert [(entry.number, entry.actor, entry.action) for entry in (first, second)] == [
        (1, "command_line", "key_created"),
        (2, "command_line", "key_created"),
    ]
    (model,) = client.models()
    assert (submitted.actor, submitted.action, submitted.subject) == (first.subject, "model_submitted", model.id)


def test_limits(connect: MakeClient, start: Callable[..., Server]) -> None:
    server = start("--max-upload", "1", "--max-jobs", "1", "--rate", "1")
    client = connect(server.url, retries=0)
    assert code_of(TooLarge, lambda: client.submit_model(bytes((1 << 20) + 1))) == "payload_too_large"
    for _ in range(20):
        try:
            list(client.jobs())
        except RateLimited as error:
            assert (error.code, error.problem.retry_after) == ("rate_limited", 1.0)
            break
    else:
        pytest.fail("no limit")
    assert list(connect(server.url).jobs()) == [], "waits as long as it is asked to"


def test_version(client: Client) -> None:
    version = client.version()
    assert (version.api, version.srs) == ("v1", "unsafe")


def test_the_example_runs(running: Server) -> None:
    root = Path(__file__).parents[1]
    files = [MODEL, CALIBRATION, STORY / "inputs" / "stretched.json"]
    command = [sys.executable, "examples/quick.py", *map(str, files), running.url]
    environment = {"PYTHONPATH": "src", "NO_PROXY": "127.0.0.1", "PATH": ""}
    run = subprocess.run(command, check=False, cwd=root, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert "valid: True; reference string: unsafe" in run.stdout


def test_one_client_serves_several_threads(running: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Client(running.url) as client, ThreadPoolExecutor(8) as threads:
        model = client.compile(MODEL, CALIBRATION, timeout=120).id
        jobs = list(threads.map(lambda _: client.prove(model, INPUTS, timeout=60), range(16)))
    assert len({job.id for job in jobs}) == 16 and {job.state for job in jobs} == {"succeeded"}


def test_a_task_that_waits_can_be_cancelled(running: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    async def cancelled() -> str:
        async with AsyncClient(running.url) as client:
            model = (await client.compile(MODEL, CALIBRATION, timeout=120)).id
            job = await client.submit(model, batch=[Decision(INPUTS)] * 200)
            waiting = asyncio.create_task(client.wait(job.id, timeout=120))
            await asyncio.sleep(0.5)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            return (await client.cancel(job.id)).id

    with Client(running.url) as client, pytest.raises(JobCancelled):
        client.wait(asyncio.run(cancelled()), timeout=60)
