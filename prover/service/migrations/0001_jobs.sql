-- Times are milliseconds since 1970. Digests are BLAKE3 in hexadecimal.

CREATE TABLE models (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Digest of file, calibration and options: the same content is compiled once.
    content TEXT NOT NULL,
    -- JSON: artifacts of the upload, and the options.
    source TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('compiling', 'ready', 'failed')),
    -- The job that compiles it.
    job TEXT NOT NULL,
    -- JSON: what it compiled to.
    facts TEXT,
    key_digest TEXT,
    error_code TEXT,
    error_detail TEXT,
    created_ms INTEGER NOT NULL,
    deleted_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX models_by_content ON models (tenant, content) WHERE deleted_ms IS NULL;
CREATE INDEX models_by_key ON models (tenant, key_digest) WHERE key_digest IS NOT NULL;

CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('compile', 'prove')),
    lane TEXT NOT NULL CHECK (lane IN ('short', 'long', 'compile')),
    model TEXT NOT NULL,
    priority INTEGER NOT NULL,
    -- What is to be done: JSON, or the artifact that holds it.
    payload TEXT NOT NULL,
    -- Digest of the request's body: the same idempotency key goes with the same body.
    body TEXT NOT NULL,
    idempotency_key TEXT,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    -- Whoever holds both of these may write the result: the process that runs it, and how often it was begun.
    run TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,
    -- Attempts that a drain ended: they do not count.
    excused INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL,
    started_ms INTEGER,
    finished_ms INTEGER,
    deadline_ms INTEGER,
    stage TEXT,
    fraction REAL NOT NULL DEFAULT 0,
    -- JSON.
    result TEXT,
    error_code TEXT,
    error_detail TEXT
) STRICT;
CREATE UNIQUE INDEX jobs_by_key ON jobs (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_waiting ON jobs (lane, priority DESC, seq) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (run) WHERE state = 'running';
CREATE INDEX jobs_with_deadline ON jobs (deadline_ms) WHERE state = 'queued' AND deadline_ms IS NOT NULL;
CREATE INDEX jobs_of_tenant ON jobs (tenant, seq);
CREATE INDEX jobs_of_model ON jobs (model) WHERE state IN ('queued', 'running');

CREATE TABLE events (
    job TEXT NOT NULL REFERENCES jobs (id),
    number INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- JSON.
    data TEXT NOT NULL,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE proofs (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    job TEXT NOT NULL REFERENCES jobs (id),
    -- Which input of the job, from 0.
    position INTEGER NOT NULL,
    model TEXT NOT NULL,
    key_digest TEXT NOT NULL,
    -- The file: JSON, or the artifact that holds it.
    artifact TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    UNIQUE (job, position)
) STRICT;

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Of the secret, which is never stored.
    hash TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    revoked_ms INTEGER
) STRICT;
