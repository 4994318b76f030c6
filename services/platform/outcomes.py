"""The final events of a job, filled in with what every one of them says."""

from typing import TypeVar

from contracts.events import (
    FileRecord,
    ImagesLoaded,
    LogoLoaded,
    NfoLoaded,
    PartUnavailable,
    PartUnchanged,
)
from services.platform.job import Job

F = TypeVar("F", NfoLoaded, LogoLoaded, ImagesLoaded)


def with_files(kind: type[F], job: Job, files: tuple[FileRecord, ...]) -> F | PartUnchanged:
    """The part is loaded with `files`; unchanged if a refresh found just what the log says already."""
    if job.one.good == "loaded" and files == job.one.files:
        return unchanged(job)
    return kind(key=job.key, cause=job.cause, attempt=job.run.attempt, files=files)


def unchanged(job: Job) -> PartUnchanged:
    """A refresh found nothing new."""
    return PartUnchanged(key=job.key, part=job.part, cause=job.cause, attempt=job.run.attempt)


def unavailable(job: Job, reason: str) -> PartUnavailable:
    """The catalogue has none."""
    return PartUnavailable(key=job.key, part=job.part, cause=job.cause, attempt=job.run.attempt, reason=reason)
