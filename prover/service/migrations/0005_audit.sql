-- Who did what. Only added to.
CREATE TABLE audit (
    tenant TEXT NOT NULL,
    -- From 1 for each tenant.
    number INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    -- The API key, or where there was none, how it was done.
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    -- The job, model or key.
    subject TEXT NOT NULL,
    PRIMARY KEY (tenant, number)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
