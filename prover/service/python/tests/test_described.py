"""What the client knows of the service is what the service's own files say."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest

from apodict_client import _views, errors, types
from apodict_client._core import Core
from apodict_client._effects import Open
from apodict_client.errors import Problem, ProblemError, error_of
from apodict_client.types import Decision

from .running import REPOSITORY
from .scripted import JOB, MODEL, PROOF

DOCUMENT: dict[str, Any] = json.loads((REPOSITORY / "prover/service/openapi.json").read_text())

KINDS: dict[str, type[ProblemError]] = {
    "invalid_request": errors.InvalidRequest,
    "unauthorized": errors.Unauthorized,
    "forbidden": errors.Forbidden,
    "origin_refused": errors.Forbidden,
    "not_found": errors.NotFound,
    "method_not_allowed": errors.InvalidRequest,
    "request_timeout": errors.InvalidRequest,
    "model_not_ready": errors.Conflict,
    "model_in_use": errors.Conflict,
    "payload_too_large": errors.TooLarge,
    "unsupported_media_type": errors.InvalidRequest,
    "idempotency_conflict": errors.Conflict,
    "unknown_key": errors.NotFound,
    "rate_limited": errors.RateLimited,
    "too_many_jobs": errors.RateLimited,
    "internal": errors.ServerError,
    "busy": errors.Unavailable,
    "draining": errors.Unavailable,
    "unavailable": errors.Unavailable,
}

OF_JOBS = {
    "cancelled",
    "invalid_input",
    "model_rejected",
    "inaccurate",
    "model_too_large",
    "out_of_memory",
    "deadline_exceeded",
    "worker_failed",
    "attempts_exhausted",
}


def test_every_code_has_a_class() -> None:
    text = (REPOSITORY / "docs/service.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \|", text, re.MULTILINE)
    assert rows and {code for code, _ in rows} <= KINDS.keys() | OF_JOBS
    for code, status in rows:
        alone = error_of(Problem(int(status), code, "", ""))
        of_job = error_of(Problem(int(status), code, "", "", job=JOB))
        if code in KINDS:
            assert type(alone) is KINDS[code]
        assert type(of_job) is (errors.JobCancelled if code == "cancelled" else errors.JobFailed)


def sample(schema: dict[str, Any]) -> Any:  # noqa: PLR0911
    """Make a value of a schema, with all its fields."""
    if "$ref" in schema:
        return sample(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "oneOf" in schema:
        return sample(schema["oneOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema["type"][0] if isinstance(schema["type"], list) else schema["type"]
    match kind:
        case "object":
            return {name: sample(field) for name, field in schema.get("properties", {}).items()}
        case "array":
            return [sample(schema["items"])]
        case "integer":
            return 1
        case "number":
            return 0.5
        case "boolean":
            return True
    assert kind == "string"
    return "text"


IN_RAW = {"options"}
"""What only `raw` has: how a model was compiled."""

VIEWS: dict[str, Any] = {
    "JobView": _views.job,
    "ModelView": _views.model,
    "ProofView": _views.proof,
    "VerificationView": _views.verification,
    "VersionView": _views.version,
    "AuditEntry": _views.audit_entry,
    "LogLine": _views.log_line,
}


@pytest.mark.parametrize("name", VIEWS)
def test_every_field_of_an_answer_is_read(name: str) -> None:
    view, schema = VIEWS[name], DOCUMENT["components"]["schemas"][name]
    read: set[str] = set()
    get = dict.get

    class Watched(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            read.add(key)
            return get(self, key, default)

    view(Watched(sample(schema)))
    assert read >= schema["properties"].keys() - IN_RAW
    assert read <= schema["properties"].keys(), "what no version tells any more"
    view({name: field for name, field in sample(schema).items() if name in schema["required"]})
    for required in schema["required"]:
        if required not in IN_RAW:
            with pytest.raises(errors.ProtocolError):
                view({other: field for other, field in sample(schema).items() if other != required})


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Action", types.Action),
        ("JobState", types.JobState),
        ("Kind", types.JobKind),
        ("Lane", types.Lane),
        ("Level", types.Level),
        ("ModelState", types.ModelState),
        ("WebhookState", types.WebhookState),
    ],
)
def test_every_choice_is_known(name: str, kind: Any) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    described = schema.get("enum") or [value for choice in schema["oneOf"] for value in choice["enum"]]
    assert set(get_args(kind)) == set(described)


def test_every_field_of_a_request_can_be_sent() -> None:
    def sent(core: Core) -> list[dict[str, Any]]:
        one = core.submit(
            MODEL, {}, context=bytes(32), priority=1, deadline=1, forget_inputs=True, webhook="https://a/"
        )
        batch = core.prove(MODEL, batch=[Decision({}, bytes(32))])
        opened = [next(operation) for operation in (one, batch)]
        return [json.loads(effect.request.body or b"") for effect in opened if isinstance(effect, Open)]

    one, batch = sent(Core(1.0, 0))
    schemas = DOCUMENT["components"]["schemas"]
    assert one.keys() | batch.keys() == schemas["ProveRequest"]["properties"].keys()
    assert batch.keys() == {"model", "batch"}, "what was not said is not sent"
    assert batch["batch"][0].keys() == schemas["BatchItem"]["properties"].keys()


def test_every_address_is_described() -> None:
    core = Core(1.0, 0)
    operations = [
        core.version(),
        core.audit(),
        core.submit_model(b""),
        core.model(MODEL),
        core.models(),
        core.delete_model(MODEL),
        core.artifact(MODEL, "key"),
        core.submit(MODEL, {}),
        core.prove(MODEL, {}),
        core.job(JOB),
        core.jobs(state="queued", kind="prove", model=MODEL),
        core.cancel(JOB),
        core.events(JOB),
        core.logs(JOB),
        core.proof(PROOF),
        core.proof_file(PROOF),
        core.verify({}),
    ]
    called = set()
    for operation in operations:
        opened = next(operation)
        assert isinstance(opened, Open)
        request = opened.request
        path = re.sub(r"(mdl|job|prf)_\w+", "{id}", request.path).replace("artifacts/key", "artifacts/{artifact}")
        described = DOCUMENT["paths"][path][request.method.lower()]
        parameters = {field["name"] for field in described.get("parameters", []) if field["in"] == "query"}
        assert parameters >= request.query.keys()
        called.add((request.method, path))
        operation.close()
    every = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert every - called == {("GET", "/livez"), ("GET", "/readyz"), ("GET", "/metrics")}
