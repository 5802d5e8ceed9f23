#!/usr/bin/env python3
"""Copies the data folder of the proving service, which may be running, and checks the copy.

Usage: backup.py DATA TARGET

The database first, then the artifacts: those that the database names are never changed. TARGET is made, or, where an
earlier backup is, brought up to date: artifacts that it has are not read again. It ends with 0 if the database is whole
and each artifact that its models, its proofs and the jobs that have not ended need is there. TARGET is itself a data
folder: `apodict serve --data TARGET` begins where the copy was made. Stop that server before the next backup to TARGET.
What the server removed since an earlier backup, forgotten inputs too, stays in TARGET: begin with a new folder now
and then.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

NAMED = re.compile(r"(?:b3:)?([0-9a-f]{64})")


def main(data: Path, target: Path) -> None:
    """Copy `data` to `target`."""
    if not (data / "jobs.db").is_file():
        sys.exit(f"error: {data} has no jobs.db: expected the folder that `apodict serve --data` names")
    os.umask(0o077)
    target.mkdir(parents=True, exist_ok=True)
    # A server that uses TARGET holds this, and so does another backup: neither may find its database replaced.
    with (target / "server.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"error: a server or another backup uses {target}: stop it, or name another folder")
        copy_folder(data, target)


def copy_folder(data: Path, target: Path) -> None:
    """Copy `data` to `target`, which nobody else uses."""
    files = 0
    # Artifacts of a job that ends meanwhile may be gone: the database, copied once more, does not need them any more.
    for _ in range(2):
        named = copy_database(data / "jobs.db", target / "jobs.db")
        files += copy_files(data / "artifacts" / "b3", target / "artifacts" / "b3")
        # The development string stands behind all keys that were made with it.
        files += copy_files(data / "cache", target / "cache")
        missing = sorted(name for name in named if not (target / "artifacts" / "b3" / name[:2] / name).is_file())
        if not missing:
            break
    else:
        example = missing[0]
        sys.exit(
            f"error: {len(missing)} artifacts are missing from {data}, {example} among them: take an older backup's"
        )
    print(f"{target}: the database, and {files} files that were not there")


def copy_database(source: Path, target: Path) -> set[str]:
    """Copy a database as it is at one moment, and give the artifacts that it names."""
    partial = target.with_name("jobs.db.part")
    partial.unlink(missing_ok=True)
    # Opened for reading only, so that a wrong path makes no file.
    live_uri = f"{source.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(live_uri, uri=True, timeout=60)) as live, closing(sqlite3.connect(partial)) as copy:
        live.backup(copy)
        # One file, without a log beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
        (state,) = copy.execute("PRAGMA integrity_check").fetchone()
        if state != "ok":
            sys.exit(f"error: the database is damaged: {state}")
        named = set(artifacts(copy))
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    # Of a server that was killed: the log of another database would be played into this one when it is opened.
    for beside in ("-wal", "-shm"):
        target.with_name(f"{target.name}{beside}").unlink(missing_ok=True)
    partial.replace(target)
    return named


def artifacts(database: sqlite3.Connection) -> Iterator[str]:
    """Give the names of all artifacts that a database needs: of models, of jobs that have not ended, of proofs."""
    live, deleted = "deleted_ms IS NULL", "deleted_ms IS NOT NULL AND key_digest IN (SELECT key_digest FROM proofs)"
    for (text,) in database.execute(f"SELECT source FROM models WHERE {live}"):
        source = json.loads(text)
        yield from (source[name] for name in ("onnx", "calibration") if source.get(name))
    for condition, kinds in (
        (live, ("program", "proving_key", "verifying_key", "report", "contract")),
        # The proofs of a deleted model are verified with its key.
        (deleted, ("verifying_key",)),
    ):
        for (text,) in database.execute(f"SELECT facts FROM models WHERE facts IS NOT NULL AND {condition}"):
            facts = json.loads(text)
            yield from (facts[kind] for kind in kinds if facts.get(kind))
    for query in (
        "SELECT payload FROM jobs WHERE state IN ('queued', 'running')",
        "SELECT artifact FROM proofs",
    ):
        # Small ones stand in the row itself.
        for (value,) in database.execute(query):
            if name := NAMED.fullmatch(value):
                yield name.group(1)


def copy_files(source: Path, target: Path) -> int:
    """Copy the files that are not there yet, each whole or not at all. Gives their number."""
    copied = 0
    for file in sorted(source.rglob("*")) if source.is_dir() else []:
        copy = target / file.relative_to(source)
        if not file.is_file() or (copy.is_file() and copy.stat().st_size == file.stat().st_size):
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        partial = copy.with_name(f"{copy.name}.part")
        try:
            shutil.copyfile(file, partial)
        except FileNotFoundError:
            # Nothing names it any more, or what is missing is told at the end.
            partial.unlink(missing_ok=True)
            continue
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(copy)
        copied += 1
    return copied


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
