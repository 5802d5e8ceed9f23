"""From the server's answers to this package's types."""

from __future__ import annotations

from typing import Any

from ._json import Fields, one_of
from .errors import ProtocolError
from .types import (
    Action,
    AuditEntry,
    Job,
    JobError,
    JobKind,
    JobState,
    Lane,
    Level,
    LogLine,
    Model,
    ModelState,
    Program,
    Proof,
    ProofReference,
    Verification,
    Version,
    Webhook,
    WebhookState,
)


def version(value: Any) -> Version:
    """Read `VersionView`."""
    fields = Fields(value, "version")
    return Version(version=fields.text("version"), api=fields.text("api"), srs=fields.text("srs"))


def job(value: Any) -> Job:
    """Read `JobView`."""
    fields = Fields(value, "job")
    result = fields.optional("result", fields.object)
    proofs = result.optional("proofs", result.items) if result else None
    return Job(
        id=fields.text("id"),
        kind=one_of(JobKind, fields.text("kind"), "job.kind"),
        state=one_of(JobState, fields.text("state"), "job.state"),
        model=fields.text("model"),
        lane=one_of(Lane, fields.text("lane"), "job.lane"),
        priority=fields.integer("priority"),
        attempt=fields.integer("attempt"),
        stage=fields.optional("stage", fields.text),
        fraction=fields.number("fraction"),
        created_ms=fields.integer("created_ms"),
        started_ms=fields.optional("started_ms", fields.integer),
        finished_ms=fields.optional("finished_ms", fields.integer),
        deadline_ms=fields.optional("deadline_ms", fields.integer),
        proofs=tuple(_proof_reference(proof) for proof in proofs or []),
        error=_error(fields),
        webhook=_webhook(webhook) if (webhook := fields.optional("webhook", fields.object)) else None,
        raw=fields.value,
    )


def _webhook(fields: Fields) -> Webhook:
    return Webhook(
        host=fields.text("host"),
        state=one_of(WebhookState, fields.text("state"), "job.webhook.state"),
        message=fields.text("message"),
        attempts=fields.integer("attempts"),
        next_ms=fields.optional("next_ms", fields.integer),
        status=fields.optional("status", fields.integer),
        error=fields.optional("error", fields.text),
    )


def log_line(value: Any) -> LogLine:
    """Read `LogLine`."""
    fields = Fields(value, "log")
    return LogLine(
        number=fields.integer("number"),
        at_ms=fields.integer("at_ms"),
        level=one_of(Level, fields.text("level"), "log.level"),
        event=fields.text("event"),
        message=fields.text("message"),
        attempt=fields.optional("attempt", fields.integer),
        stage=fields.optional("stage", fields.text),
        fraction=fields.optional("fraction", fields.number),
        reason=fields.optional("reason", fields.text),
        wait_ms=fields.optional("wait_ms", fields.integer),
        code=fields.optional("code", fields.text),
    )


def _proof_reference(value: Any) -> ProofReference:
    fields = Fields(value, "job.result.proofs")
    return ProofReference(
        id=fields.text("id"),
        key_digest=fields.text("key_digest"),
        prove_ms=fields.number("prove_ms"),
        stages_ms=fields.numbers("stages_ms"),
    )


def _error(fields: Fields) -> JobError | None:
    error = fields.optional("error", fields.object)
    return JobError(code=error.text("code"), detail=error.text("detail")) if error else None


def model(value: Any) -> Model:
    """Read `ModelView`."""
    fields = Fields(value, "model")
    state = one_of(ModelState, fields.text("state"), "model.state")
    program = fields.optional("program", fields.object)
    if state == "ready" and program is None:
        raise ProtocolError("model: it is ready, and has no program")
    return Model(
        id=fields.text("id"),
        name=fields.text("name"),
        state=state,
        job=fields.text("job"),
        created_ms=fields.integer("created_ms"),
        onnx=fields.text("onnx"),
        program=_program(program) if program else None,
        error=_error(fields),
        raw=fields.value,
    )


def _program(fields: Fields) -> Program:
    return Program(
        program_digest=fields.text("program_digest"),
        key_digest=fields.text("key_digest"),
        srs=fields.text("srs"),
        srs_digest=fields.text("srs_digest"),
        k=fields.integer("k"),
        rows=fields.integer("rows"),
        shape=fields.text("shape"),
        lane=one_of(Lane, fields.text("lane"), "model.program.lane"),
        least_memory_bytes=fields.integer("least_memory_bytes"),
        accuracy=fields.mapping("accuracy"),
        artifacts=fields.texts("artifacts"),
    )


def verification(value: Any) -> Verification:
    """Read `VerificationView`."""
    fields = Fields(value, "verification")
    return Verification(
        valid=fields.truth("valid"),
        reason=fields.optional("reason", fields.text),
        key_digest=fields.text("key_digest"),
        program_digest=fields.text("program_digest"),
        srs=fields.text("srs"),
        context=fields.optional("context", fields.text),
        inputs=fields.optional("inputs", fields.mapping),
        outputs=fields.optional("outputs", fields.mapping),
        verify_ms=fields.number("verify_ms"),
    )


def proof(value: Any) -> Proof:
    """Read `ProofView`."""
    fields = Fields(value, "proof")
    return Proof(
        id=fields.text("id"),
        job=fields.text("job"),
        position=fields.integer("position"),
        model=fields.text("model"),
        created_ms=fields.integer("created_ms"),
        verification=verification(fields.value.get("verification")),
        file=fields.mapping("proof"),
    )


def audit_entry(value: Any) -> AuditEntry:
    """Read `AuditEntry`."""
    fields = Fields(value, "audit entry")
    return AuditEntry(
        number=fields.integer("number"),
        at_ms=fields.integer("at_ms"),
        actor=fields.text("actor"),
        action=one_of(Action, fields.text("action"), "audit entry.action"),
        subject=fields.text("subject"),
    )
