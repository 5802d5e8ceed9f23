-- What is asked often is found without reading a tenant's whole history.
CREATE INDEX jobs_of_tenant_by_model ON jobs (tenant, model, seq);
CREATE INDEX jobs_of_tenant_by_state ON jobs (tenant, state, seq);
CREATE INDEX jobs_of_tenant_by_kind ON jobs (tenant, kind, seq);
CREATE INDEX models_of_tenant ON models (tenant, seq) WHERE deleted_ms IS NULL;
CREATE INDEX models_by_job ON models (job);

-- Tenants take turns in each lane: when each was last, counted.
CREATE TABLE turns (
    lane TEXT NOT NULL,
    tenant TEXT NOT NULL,
    turn INTEGER NOT NULL,
    PRIMARY KEY (lane, tenant)
) STRICT, WITHOUT ROWID;
CREATE INDEX turns_by_number ON turns (lane, turn);
DROP INDEX jobs_waiting;
CREATE INDEX jobs_waiting ON jobs (lane, tenant, priority DESC, seq) WHERE state = 'queued';
CREATE INDEX jobs_busy ON jobs (lane, tenant) WHERE state = 'running';
