-- Who is told when a job has ended: sent at least once, under one name.
ALTER TABLE jobs ADD COLUMN webhook_url TEXT;
ALTER TABLE jobs ADD COLUMN webhook_message TEXT;
ALTER TABLE jobs ADD COLUMN webhook_state TEXT CHECK (webhook_state IN ('waiting', 'due', 'delivered', 'failed'));
ALTER TABLE jobs ADD COLUMN webhook_attempts INTEGER NOT NULL DEFAULT 0;
-- While it is due: when it is sent next. Whoever sends it moves this on first, so that it is sent again if they are killed.
ALTER TABLE jobs ADD COLUMN webhook_next_ms INTEGER;
ALTER TABLE jobs ADD COLUMN webhook_status INTEGER;
ALTER TABLE jobs ADD COLUMN webhook_error TEXT;
CREATE INDEX webhooks_due ON jobs (webhook_next_ms, tenant) WHERE webhook_state = 'due';

-- What webhooks are signed with: needed as they are, so not as digests. Of a revoked one, the value is gone.
CREATE TABLE webhook_secrets (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    secret BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    revoked_ms INTEGER
) STRICT;
