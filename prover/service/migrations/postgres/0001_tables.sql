-- Times are milliseconds since 1970. Digests are BLAKE3 in hexadecimal. Names compare byte by byte, whatever the database's language.

CREATE TABLE models (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT COLLATE "C" NOT NULL,
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
    created_ms BIGINT NOT NULL,
    deleted_ms BIGINT
);
CREATE UNIQUE INDEX models_by_content ON models (tenant, content) WHERE deleted_ms IS NULL;
CREATE INDEX models_by_key ON models (tenant, key_digest) WHERE key_digest IS NOT NULL;
CREATE INDEX models_of_tenant ON models (tenant, seq) WHERE deleted_ms IS NULL;
CREATE INDEX models_by_job ON models (job);

CREATE TABLE jobs (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT COLLATE "C" NOT NULL,
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
    attempt BIGINT NOT NULL DEFAULT 0,
    max_crashes BIGINT NOT NULL,
    -- Setbacks are counted by kind: what is not the job's fault does not use up its attempts.
    crashes BIGINT NOT NULL DEFAULT 0,
    interruptions BIGINT NOT NULL DEFAULT 0,
    faults BIGINT NOT NULL DEFAULT 0,
    -- After a setback, when it may be begun again.
    not_before_ms BIGINT,
    created_ms BIGINT NOT NULL,
    started_ms BIGINT,
    finished_ms BIGINT,
    deadline_ms BIGINT,
    stage TEXT,
    fraction DOUBLE PRECISION NOT NULL DEFAULT 0,
    -- The number of its last event.
    events BIGINT NOT NULL DEFAULT 0,
    -- Whether what was handed in is removed once the job has ended.
    forget_inputs BOOLEAN NOT NULL,
    -- JSON.
    result TEXT,
    error_code TEXT,
    error_detail TEXT,
    -- Who is told when the job has ended: sent at least once, under one name.
    webhook_url TEXT,
    webhook_message TEXT,
    webhook_state TEXT CHECK (webhook_state IN ('waiting', 'due', 'delivered', 'failed')),
    webhook_attempts BIGINT NOT NULL DEFAULT 0,
    -- While it is due: when it is sent next. Whoever sends it moves this on first, so that it is sent again if they are killed.
    webhook_next_ms BIGINT,
    webhook_status BIGINT,
    webhook_error TEXT
);
CREATE UNIQUE INDEX jobs_by_key ON jobs (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_waiting ON jobs (lane, tenant, priority DESC, seq) WHERE state = 'queued';
CREATE INDEX jobs_busy ON jobs (lane, tenant) WHERE state = 'running';
CREATE INDEX jobs_running ON jobs (run) WHERE state = 'running';
CREATE INDEX jobs_with_deadline ON jobs (deadline_ms) WHERE state = 'queued' AND deadline_ms IS NOT NULL;
CREATE INDEX jobs_of_tenant ON jobs (tenant, seq);
CREATE INDEX jobs_of_tenant_by_model ON jobs (tenant, model, seq);
CREATE INDEX jobs_of_tenant_by_state ON jobs (tenant, state, seq);
CREATE INDEX jobs_of_tenant_by_kind ON jobs (tenant, kind, seq);
CREATE INDEX jobs_of_model ON jobs (model) WHERE state IN ('queued', 'running');
CREATE INDEX webhooks_due ON jobs (webhook_next_ms, tenant) WHERE webhook_state = 'due';

-- Processes that run jobs. Whoever has not said that it lives before its lease is over is gone: its jobs are begun again.
CREATE TABLE runs (
    run TEXT PRIMARY KEY,
    -- By this database's clock, which is the only one that leases go by.
    expires TIMESTAMPTZ NOT NULL
);

-- What all processes must have alike, as the first one had it.
CREATE TABLE agreed (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Tenants take turns in each lane: when each was last, counted.
CREATE TABLE turns (
    lane TEXT NOT NULL,
    tenant TEXT COLLATE "C" NOT NULL,
    turn BIGINT NOT NULL,
    PRIMARY KEY (lane, tenant)
);
CREATE INDEX turns_by_number ON turns (lane, turn);

CREATE TABLE events (
    job TEXT NOT NULL REFERENCES jobs (id),
    number BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    -- JSON.
    data TEXT NOT NULL,
    PRIMARY KEY (job, number)
);

CREATE TABLE proofs (
    id TEXT PRIMARY KEY,
    tenant TEXT COLLATE "C" NOT NULL,
    job TEXT NOT NULL REFERENCES jobs (id),
    -- Which input of the job, from 0.
    position BIGINT NOT NULL,
    model TEXT NOT NULL,
    key_digest TEXT NOT NULL,
    -- The file: JSON, or the artifact that holds it.
    artifact TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (job, position)
);
CREATE INDEX proofs_by_artifact ON proofs (artifact) WHERE substr(artifact, 1, 1) <> '{';

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    tenant TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    -- Of the secret, which is never stored.
    hash TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT,
    revoked_ms BIGINT
);

-- What webhooks are signed with: needed as they are, so not as digests. Of a revoked one, the value is gone.
CREATE TABLE webhook_secrets (
    id TEXT COLLATE "C" PRIMARY KEY,
    tenant TEXT COLLATE "C" NOT NULL,
    secret BYTEA NOT NULL,
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);
CREATE INDEX webhook_secrets_of_tenant ON webhook_secrets (tenant) WHERE revoked_ms IS NULL;

-- Who did what. Only added to.
CREATE TABLE audit (
    tenant TEXT COLLATE "C" NOT NULL,
    -- From 1 for each tenant.
    number BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    -- The API key, or where there was none, how it was done.
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    -- The job, model or key.
    subject TEXT NOT NULL,
    PRIMARY KEY (tenant, number)
);
CREATE FUNCTION refuse_to_change_the_audit_log() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''the audit log is only added to''; END';
CREATE TRIGGER audit_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_audit_log();
