"""All operations, once for both clients."""

from __future__ import annotations

import functools
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from . import _views
from ._digest import Check
from ._effects import Close, Emit, Head, Listing, Operation, Part, Read, Request, Run, Sleep
from ._http import MOST_JSON_BYTES, check_length, fetch, identifier, read_json, read_whole
from ._json import Fields, encode
from ._prove import prove_request
from ._reading import BROKEN, Reading
from ._retry import back_off
from .errors import (
    JobFailed,
    Problem,
    ProtocolError,
    RateLimited,
    TimedOut,
    TransportError,
    Unavailable,
    job_error,
)
from .types import (
    Artifact,
    AuditEntry,
    Decision,
    Event,
    Job,
    JobError,
    JobKind,
    JobState,
    LogLine,
    Model,
    Proof,
    Source,
    Tensors,
    Verification,
    Version,
)

T = TypeVar("T")

MOST_SAVED_BYTES = 16 << 30
"""Of an artifact that is written to a file: whoever answers must not fill the disk."""

MOST_ARTIFACT_BYTES = 1 << 30
"""Of an artifact that is kept in memory."""

LONGEST_WAIT_SECONDS = 60.0
"""The longest that the server holds an answer back for a result."""

DEFAULT_WAIT_SECONDS = 3600.0
"""As long as a server gives a job by default."""

POLL_SECONDS = (0.05, 2.0)
"""Between two looks at a job, where its events cannot be had: at first, and at most."""


class Core:
    """What is asked of the server, and what its answers mean. It knows neither sockets nor threads."""

    def __init__(self, timeout: float, retries: int) -> None:
        """Seconds of silence after which a request is given up, and how often it is sent again."""
        if not timeout > 0:
            raise ValueError("timeout: expected seconds, above 0")
        if retries < 0:
            raise ValueError("retries: expected 0 or more")
        self.timeout = timeout
        self.retries = retries

    def _ask(self, method: str, path: str, **parts: Any) -> Operation[Any]:
        request = Request(method, path, silence=self.timeout, **parts)
        return (yield from fetch(request, self.retries, lambda head: read_json(head, request)))

    def version(self) -> Operation[Version]:
        """Ask which version answers."""
        return _views.version((yield from self._ask("GET", "/v1/version")))

    def audit(self, *, page: int = 50) -> Listing[AuditEntry]:
        """List what was done in the tenant's name, the last first; `page` of it, 1 to 200, is asked for at once."""
        return (yield from self._list("/v1/audit", _views.audit_entry, {}, page))

    # Models

    def submit_model(
        self,
        model: Source,
        calibration: Source | Mapping[str, Any] | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        name: str | None = None,
        webhook: str | None = None,
    ) -> Operation[Model]:
        """Hand in a model, and return at once. The same content is compiled once.

        Parameters
        ----------
        model
            The ONNX file: its bytes, or its path.
        calibration
            Samples: a file's bytes or path, or `{"batches": [{"inputs": tensors}, ..]}`.
        options
            As of `apodict compile`; `docs/service.md` lists them.
        name
            What you call it; the file's name, if nothing is said.
        webhook
            An address that the server tells when the compilation ends; of a model that was handed in before, nobody.

        """
        texts = {"name": name, "webhook": webhook}
        parts = [Part(part, text.encode()) for part, text in texts.items() if text is not None]
        if options is not None:
            parts.append(Part("options", encode(dict(options))))
        parts.append(Part("model", model, filename="model" if isinstance(model, bytes) else Path(model).name))
        if calibration is not None:
            samples = encode(calibration) if isinstance(calibration, Mapping) else calibration
            parts.append(Part("calibration", samples, filename="calibration"))
        return _views.model((yield from self._ask("POST", "/v1/models", form=tuple(parts))))

    def compile(
        self,
        model: Source,
        calibration: Source | Mapping[str, Any] | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        name: str | None = None,
        timeout: float = DEFAULT_WAIT_SECONDS,
    ) -> Operation[Model]:
        """Hand in a model as `submit_model` does, and wait until it is ready.

        Raises
        ------
        JobFailed
            If it does not compile.
        TimedOut
            After `timeout` seconds. It goes on compiling: call again to go on waiting.

        """
        submitted = yield from self.submit_model(model, calibration, options=options, name=name)
        if submitted.state == "compiling":
            yield from self.wait(submitted.job, timeout=timeout)
            submitted = yield from self.model(submitted.id)
        if submitted.state != "ready":
            raise _failure(submitted.job, submitted.error)
        return submitted

    def model(self, model: str) -> Operation[Model]:
        """Describe a model."""
        return _views.model((yield from self._ask("GET", f"/v1/models/{identifier(model)}")))

    def models(self, *, page: int = 50) -> Listing[Model]:
        """List models, newest first; `page` of them, 1 to 200, are asked for at once."""
        return (yield from self._list("/v1/models", _views.model, {}, page))

    def delete_model(self, model: str) -> Operation[None]:
        """Remove a model that no job waits for. Its proofs stay."""
        yield from self._ask("DELETE", f"/v1/models/{identifier(model)}")

    def artifact(self, model: str, name: Artifact) -> Operation[bytes]:
        """Fetch an artifact of a model: `program`, `key` (vk.json), `report`, `contract`."""
        request = self._artifact_request(model, name)

        def receive(head: Head) -> Operation[bytes]:
            body = yield from read_whole(head, request, MOST_ARTIFACT_BYTES, DEFAULT_WAIT_SECONDS)
            check = Check(head.headers)
            check.update(body)
            check.finish()
            return body

        return (yield from fetch(request, self.retries, receive))

    def save_artifact(self, model: str, name: Artifact, path: str | os.PathLike[str]) -> Operation[int]:
        """Write an artifact of a model to a file, piece by piece, and give its length in bytes.

        The file appears whole or not at all.
        """
        request = self._artifact_request(model, name)
        target = Path(path)
        partial = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")

        def receive(head: Head) -> Operation[int]:
            check, length = Check(head.headers), 0
            with (yield Run(lambda: partial.open("wb"))) as file:
                while (piece := (yield Read())) is not None:
                    length += len(piece)
                    if length > MOST_SAVED_BYTES:
                        raise ProtocolError(f"{request}: the artifact has more than {MOST_SAVED_BYTES} bytes")
                    check.update(piece)
                    yield Run(functools.partial(file.write, piece))
                check_length(head, length, request)
                check.finish()
                yield Run(file.flush)
                yield Run(lambda: os.fsync(file.fileno()))
            partial.replace(target)
            return length

        try:
            return (yield from fetch(request, self.retries, receive))
        finally:
            partial.unlink(missing_ok=True)

    def _artifact_request(self, model: str, name: str) -> Request:
        return Request("GET", f"/v1/models/{identifier(model)}/artifacts/{identifier(name)}", silence=self.timeout)

    # Jobs

    def submit(
        self,
        model: str,
        inputs: Tensors | None = None,
        *,
        context: bytes | str | None = None,
        batch: Sequence[Decision] | None = None,
        priority: int = 0,
        deadline: float | None = None,
        forget_inputs: bool = False,
        webhook: str | None = None,
        idempotency_key: str | None = None,
    ) -> Operation[Job]:
        """Hand in a decision, or a batch of them, and return at once. What was taken is never lost.

        Parameters
        ----------
        model
            A model that is ready, `mdl_..`.
        inputs
            Name to nested lists or arrays, in the model's units. Either these or `batch`.
        context
            32 bytes that bind the proof to its use, or `0x` and 64 digits; zero if nothing is said.
        batch
            Decisions with contexts of their own; each gets a proof.
        priority
            -100 to 100: the higher, the earlier, among the jobs of the same tenant.
        deadline
            Seconds after which the job fails if it has not ended.
        forget_inputs
            The server removes what was handed in once the job has ended. The proof still says what its inputs are.
        webhook
            An address that the server tells when the job ends, if its operator allows that. `verify_webhook` checks
            what comes there.
        idempotency_key
            Your own name for the request: with it, the same request again is the same job. Without it, one is made for
            this call, so that sending it again after a lost answer makes no second job.

        """
        body, headers = prove_request(
            model,
            inputs,
            context=context,
            batch=batch,
            priority=priority,
            deadline=deadline,
            forget_inputs=forget_inputs,
            webhook=webhook,
            idempotency_key=idempotency_key,
        )
        return _views.job((yield from self._ask("POST", "/v1/jobs", body=body, headers=headers)))

    def prove(
        self,
        model: str,
        inputs: Tensors | None = None,
        *,
        context: bytes | str | None = None,
        batch: Sequence[Decision] | None = None,
        priority: int = 0,
        deadline: float | None = None,
        forget_inputs: bool = False,
        webhook: str | None = None,
        idempotency_key: str | None = None,
        timeout: float = DEFAULT_WAIT_SECONDS,
    ) -> Operation[Job]:
        """Hand in a decision as `submit` does, and wait for its proof, the short way: a small one begins at once.

        Raises
        ------
        JobFailed
            If there is no proof.
        TimedOut
            After `timeout` seconds, or up to a request later. The job goes on; with your own `idempotency_key`, the
            same call goes on waiting.

        """
        until = time.monotonic() + timeout
        body, headers = prove_request(
            model,
            inputs,
            context=context,
            batch=batch,
            priority=priority,
            deadline=deadline,
            forget_inputs=forget_inputs,
            webhook=webhook,
            idempotency_key=idempotency_key,
        )
        wait = min(max(timeout, 0.0), LONGEST_WAIT_SECONDS)
        query, silence = {"wait": str(int(wait * 1e3))}, wait + self.timeout
        request = Request("POST", "/v1/prove", query=query, headers=headers, body=body, silence=silence)
        job = _views.job((yield from fetch(request, self.retries, lambda head: read_json(head, request), until)))
        if not job.has_ended:
            return (yield from self.wait(job.id, timeout=until - time.monotonic()))
        return _succeeded(job)

    def job(self, job: str) -> Operation[Job]:
        """Describe a job."""
        return _views.job((yield from self._ask("GET", f"/v1/jobs/{identifier(job)}")))

    def jobs(
        self,
        *,
        state: JobState | None = None,
        kind: JobKind | None = None,
        model: str | None = None,
        page: int = 50,
    ) -> Listing[Job]:
        """List jobs, newest first; `page` of them, 1 to 200, are asked for at once."""
        filters = {"state": state, "kind": kind, "model": model}
        query = {name: value for name, value in filters.items() if value is not None}
        return (yield from self._list("/v1/jobs", _views.job, query, page))

    def cancel(self, job: str) -> Operation[Job]:
        """Cancel a job, whether it waits or runs: one whose state is `cancelled` in the answer never has a result.

        One that had ended stays as it is.
        """
        return _views.job((yield from self._ask("POST", f"/v1/jobs/{identifier(job)}/cancel")))

    def logs(self, job: str, *, page: int = 200) -> Listing[LogLine]:
        """Tell what has happened to a job so far, in words; `page` lines, 1 to 1000, are asked for at once."""
        return (yield from self._list(f"/v1/jobs/{identifier(job)}/logs", _views.log_line, {}, page))

    def events(self, job: str, *, after: int = 0, timeout: float = DEFAULT_WAIT_SECONDS) -> Listing[Event]:
        """Tell what happens to a job, from its beginning or after the event of a number, to its end.

        A stream that breaks off is taken up after the last event that came.

        Raises
        ------
        TimedOut
            After `timeout` seconds, or up to a quarter of them later.
        TransportError, ProtocolError, Unavailable
            If the stream breaks off again and again and nothing comes of it.

        """
        reading = Reading(identifier(job), after, time.monotonic() + timeout)
        if after:
            reading.is_settled = (yield from self.job(job)).has_ended
        failures = 0
        while True:
            before, is_broken = reading.last, False
            try:
                while not reading.has_ended:
                    for event in (yield from reading.read_on()):
                        yield Emit(event)
                return
            except TimedOut:
                if reading.remaining() <= 0:
                    raise
            except BROKEN:
                is_broken = True
                failures = failures + 1 if reading.last == before else 1
                if failures > self.retries:
                    raise
            yield Close()
            # A stream may stay open though the job has ended: is there anything to come?
            nothing_came = reading.last == before and not is_broken
            if nothing_came and reading.is_settled:
                return
            reading.is_settled = (yield from self.job(job)).has_ended
            if is_broken:
                yield Sleep(min(back_off(failures), max(reading.remaining(), 0.0)))

    def wait(self, job: str, *, timeout: float = DEFAULT_WAIT_SECONDS) -> Operation[Job]:
        """Wait until a job has ended: by its events, or by looking at it now and then where those cannot be had.

        Raises
        ------
        JobFailed
            If it ended without a result; `JobCancelled`, if somebody asked it to stop.
        TimedOut
            After `timeout` seconds, or up to a quarter of them later. The job goes on.

        """
        reading = Reading(identifier(job), 0, time.monotonic() + timeout)
        failures = looks = 0
        while True:
            is_quiet = False
            if failures <= self.retries and reading.remaining() > 0:
                before = reading.last
                try:
                    while not reading.has_ended:
                        yield from reading.read_on()
                except TimedOut:
                    is_quiet = True
                except BROKEN:
                    failures = failures + 1 if reading.last == before else 1
            yield Close()
            try:
                seen = yield from self.job(job)
                if seen.has_ended:
                    return _succeeded(seen)
                reading.was_answered = True
            except (TransportError, RateLimited, Unavailable):
                # A server that answered is waited for: it is being started again, say.
                if not reading.was_answered or reading.remaining() <= 0:
                    raise
            remaining = reading.remaining()
            if remaining <= 0:
                raise TimedOut(f"{job} did not end within {timeout:g} s: it goes on")
            if not is_quiet:
                first, most = POLL_SECONDS
                yield Sleep(min(first * 2.0 ** min(looks, 16), most, remaining))
                looks += 1

    # Proofs

    def proof(self, proof: str) -> Operation[Proof]:
        """Fetch a proof with what it says: the server verifies it for this answer."""
        return _views.proof((yield from self._ask("GET", f"/v1/proofs/{identifier(proof)}")))

    def proof_file(self, proof: str) -> Operation[bytes]:
        """Fetch a proof's file alone: what `apodict verify` takes."""
        request = Request("GET", f"/v1/proofs/{identifier(proof)}/file", silence=self.timeout)
        read = functools.partial(read_whole, request=request, most_bytes=MOST_JSON_BYTES, seconds=self.timeout)
        return (yield from fetch(request, self.retries, read))

    def proofs(self, job: str) -> Listing[Proof]:
        """Fetch the proofs of a job that succeeded, in the order of its inputs.

        Raises
        ------
        JobFailed
            If the job ended without a result.

        """
        seen = yield from self.job(job)
        if seen.has_ended:
            _succeeded(seen)
        for reference in seen.proofs:
            yield Emit((yield from self.proof(reference.id)))

    def verify(self, proof: Mapping[str, Any] | bytes) -> Operation[Verification]:
        """Verify a proof's file, decoded or as bytes, under the key that it names: that of a model on the server.

        A proof that does not hold is an answer too: `valid` is false, and `reason` says why.

        Raises
        ------
        NotFound
            `unknown_key`: no model on the server has the key.

        """
        body = proof if isinstance(proof, bytes) else encode(proof)
        return _views.verification((yield from self._ask("POST", "/v1/verify", body=body)))

    def _list(self, path: str, view: Callable[[Any], T], query: dict[str, str], page: int) -> Listing[T]:
        query = query | {"limit": str(page)}
        while True:
            fields = Fields((yield from self._ask("GET", path, query=query)), "list")
            for item in fields.items("items"):
                yield Emit(view(item))
            cursor = fields.optional("next_cursor", fields.text)
            if cursor is None:
                return
            if cursor == query.get("cursor"):
                raise ProtocolError(f"GET {path}: the list goes on where it was: {cursor[:100]!r}")
            query = query | {"cursor": cursor}


def _succeeded(job: Job) -> Job:
    if job.state != "succeeded":
        raise _failure(job.id, job.error)
    return job


def _failure(job: str, error: JobError | None) -> JobFailed:
    error = error or JobError("cancelled", "somebody asked the job to stop")
    return job_error(Problem(None, error.code, "The job ended without a result.", error.detail, job))
