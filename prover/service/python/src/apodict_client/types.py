"""What the server tells, and what it is told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

JobState: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]
JobKind: TypeAlias = Literal["compile", "prove"]
Lane: TypeAlias = Literal["short", "long", "compile"]
ModelState: TypeAlias = Literal["compiling", "ready", "failed"]
Artifact: TypeAlias = Literal["program", "key", "report", "contract"]
WebhookState: TypeAlias = Literal["waiting", "due", "delivered", "failed"]
Level: TypeAlias = Literal["info", "warning", "error"]
Action: TypeAlias = Literal[
    "job_submitted",
    "job_cancelled",
    "model_submitted",
    "model_deleted",
    "key_created",
    "key_revoked",
    "webhook_secret_created",
    "webhook_secret_revoked",
]

Tensors: TypeAlias = Mapping[str, Any]
"""Name to nested lists of numbers, or to anything with `tolist()`, as arrays of NumPy have it; in the model's units."""

Source: TypeAlias = bytes | str | os.PathLike[str]
"""What a file holds, or its path."""

FINAL: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})
"""States of a job that has ended."""


@dataclass(frozen=True)
class Decision:
    """One decision of a batch."""

    inputs: Tensors
    context: bytes | str | None = None
    """32 bytes that bind the proof to its use, or `0x` and 64 digits; zero if nothing is said."""


@dataclass(frozen=True)
class Version:
    """What answers."""

    version: str
    api: str
    srs: str
    """`unsafe`: whoever made the structured reference string can forge proofs. `ceremony`: its digest is pinned."""


@dataclass(frozen=True)
class JobError:
    """Why a job failed."""

    code: str
    detail: str


@dataclass(frozen=True)
class ProofReference:
    """A proof that a job made."""

    id: str
    key_digest: str
    prove_ms: float
    stages_ms: Mapping[str, float]


@dataclass(frozen=True)
class Webhook:
    """Who is told when a job ends, and whether that was done."""

    host: str
    """The address without its path, which may be secret."""
    state: WebhookState
    message: str
    """The header `webhook-id` of each attempt."""
    attempts: int
    next_ms: int | None
    status: int | None
    """The HTTP status of the last answer."""
    error: str | None
    """Why the last attempt failed."""


@dataclass(frozen=True)
class Job:
    """A job. Times are milliseconds since 1970."""

    id: str
    kind: JobKind
    state: JobState
    model: str
    lane: Lane
    priority: int
    attempt: int
    stage: str | None
    fraction: float
    """Work done, of all, from 0 to 1, by estimate."""
    created_ms: int
    started_ms: int | None
    finished_ms: int | None
    deadline_ms: int | None
    proofs: tuple[ProofReference, ...]
    """Of a proof that succeeded: one for each input."""
    error: JobError | None
    webhook: Webhook | None
    """Who is told when it ends."""
    raw: Mapping[str, Any] = field(repr=False)
    """All that the server told."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in FINAL


@dataclass(frozen=True)
class Program:
    """What a model compiled to."""

    program_digest: str
    key_digest: str
    """Identifies the verifying key and all that gives a proof its meaning: what to pin."""
    srs: str
    srs_digest: str
    k: int
    rows: int
    shape: str
    lane: Lane
    least_memory_bytes: int
    accuracy: Mapping[str, Any]
    artifacts: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """A model."""

    id: str
    name: str
    state: ModelState
    job: str
    """The job that compiles it."""
    created_ms: int
    onnx: str
    """BLAKE3 of the ONNX file."""
    program: Program | None
    """Once it is ready."""
    error: JobError | None
    raw: Mapping[str, Any] = field(repr=False)
    """All that the server told."""


@dataclass(frozen=True)
class Verification:
    """Whether a proof holds, and what it says."""

    valid: bool
    reason: str | None
    """Why it does not hold."""
    key_digest: str
    program_digest: str
    srs: str
    context: str | None
    """Only of a proof that holds, as `inputs` and `outputs`."""
    inputs: Mapping[str, Any] | None
    outputs: Mapping[str, Any] | None
    verify_ms: float


@dataclass(frozen=True)
class Proof:
    """A proof, which the server verified for this answer."""

    id: str
    job: str
    position: int
    """Which of the job's inputs, from 0."""
    model: str
    created_ms: int
    verification: Verification
    file: Mapping[str, Any] = field(repr=False)
    """What `apodict verify` and other verifiers take, once it is written as JSON."""


@dataclass(frozen=True)
class Event:
    """What happened to a job."""

    number: int
    kind: str
    """`queued`, `started`, `stage`, `succeeded`, `failed` or `cancelled`."""
    at_ms: int
    data: Mapping[str, Any]
    """More of it: `stage` and `fraction`; `attempt`; `code` and `detail`; of a job that is queued once more, `again`
    (the reason) and `wait_ms`."""

    @property
    def is_last(self) -> bool:
        """Whether the job has ended with it."""
        return self.kind in FINAL


@dataclass(frozen=True)
class LogLine:
    """Something that happened to a job, in words. It holds no inputs."""

    number: int
    at_ms: int
    level: Level
    event: str
    """`queued`, `started`, `stage`, `succeeded`, `failed` or `cancelled`."""
    message: str
    attempt: int | None
    """Of `started`: how often the job was begun."""
    stage: str | None
    fraction: float | None
    """Of `stage`: work done, of all, from 0 to 1."""
    reason: str | None
    """Of a job that comes back: `drained`, `interrupted`, `crashed`, `unavailable`."""
    wait_ms: int | None
    code: str | None
    """Of `failed`."""


@dataclass(frozen=True)
class AuditEntry:
    """Something that was done in a tenant's name."""

    number: int
    """From 1 for each tenant, without gaps."""
    at_ms: int
    """When, in milliseconds since 1970."""
    actor: str
    """The API key, `key_..`; `this_machine` on a server without keys, `command_line` for what was done beside it."""
    action: Action
    subject: str
    """The job, model, key or secret."""
