"""What can go wrong, each kind with a class of its own."""

from __future__ import annotations

from dataclasses import dataclass


class ApodictError(Exception):
    """All errors of this package but `ValueError` and `TypeError`, which say that an argument is wrong."""


class TransportError(ApodictError):
    """No whole answer came: no connection, or it broke off. Whether the server acted on the request is not known."""


class TimedOut(TransportError, TimeoutError):
    """Nothing came for too long, or the time that a call was given is over."""


class ProtocolError(ApodictError):
    """What came is no answer of this API: another server, a proxy's page, a damaged file."""


@dataclass(frozen=True)
class Problem:
    """An error as the server tells it (RFC 9457)."""

    status: int | None
    """The HTTP status; none if a job's own account was read, and not the answer to a request."""
    code: str
    """A stable code, listed in `docs/service.md`: what programs should look at."""
    title: str
    """The code in words."""
    detail: str
    """What is wrong here, and what to do."""
    job: str | None = None
    """The job that failed, if one did."""
    retry_after: float | None = None
    """Seconds after which the server asks to be tried again."""


class ProblemError(ApodictError):
    """The server says no."""

    def __init__(self, problem: Problem) -> None:
        """Of what the server told."""
        super().__init__(f"{problem.code}: {problem.detail}")
        self.problem = problem

    @property
    def code(self) -> str:
        """The stable code."""
        return self.problem.code

    @property
    def status(self) -> int | None:
        """The HTTP status, if the answer to a request had one."""
        return self.problem.status


class InvalidRequest(ProblemError):
    """The request is not what the address takes."""


class Unauthorized(ProblemError):
    """There is no API key, or it opens nothing."""


class Forbidden(ProblemError):
    """The API key may not do this, or the server answers programs of its own machine only."""


class NotFound(ProblemError):
    """There is nothing of this name, or it is another tenant's."""


class Conflict(ProblemError):
    """Not as things stand: a model that is not ready or is in use, an idempotency key with another body."""


class TooLarge(ProblemError):
    """The body is larger than the server takes."""


class RateLimited(ProblemError):
    """Too many requests, or too many jobs that wait or run."""


class Unavailable(ProblemError):
    """The server is about to stop, or cannot reach what it stores."""


class ServerError(ProblemError):
    """A defect of the server, or of the machine that it runs on."""


class JobFailed(ProblemError):
    """A job ended without a result. `problem.job` names it, `code` says why."""


class JobCancelled(JobFailed):
    """Somebody asked the job to stop."""


# Codes that say more than their status.
_BY_CODE: dict[str, type[ProblemError]] = {
    "idempotency_conflict": Conflict,
    "unknown_key": NotFound,
}

_BY_STATUS: dict[int, type[ProblemError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    429: RateLimited,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def error_of(problem: Problem) -> ProblemError:
    """Make the error that stands for a problem."""
    if problem.job is not None:
        return job_error(problem)
    status = problem.status or 0
    kind = _BY_CODE.get(problem.code) or _BY_STATUS.get(status)
    if kind is None:
        kind = ServerError if status >= 500 else InvalidRequest
    return kind(problem)


def job_error(problem: Problem) -> JobFailed:
    """Make the error that stands for the end of a job."""
    return (JobCancelled if problem.code == "cancelled" else JobFailed)(problem)
