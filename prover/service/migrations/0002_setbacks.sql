-- A job that is cancelled ends at once; those that were about to end now.
INSERT INTO events (job, number, at_ms, kind, data)
SELECT id, (SELECT coalesce(max(number), 0) + 1 FROM events WHERE events.job = jobs.id), started_ms, 'cancelled', '{}'
FROM jobs WHERE state = 'running' AND cancel_requested = 1;
UPDATE models SET state = 'failed', error_code = 'cancelled', error_detail = 'its compilation was cancelled: hand it in again'
WHERE state = 'compiling' AND job IN (SELECT id FROM jobs WHERE state = 'running' AND cancel_requested = 1);
UPDATE jobs SET state = 'cancelled', finished_ms = started_ms WHERE state = 'running' AND cancel_requested = 1;
ALTER TABLE jobs DROP COLUMN cancel_requested;

-- Setbacks are counted by kind: what is not the job's fault does not use up its attempts.
ALTER TABLE jobs ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN interruptions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN faults INTEGER NOT NULL DEFAULT 0;
-- After a setback, when it may be begun again.
ALTER TABLE jobs ADD COLUMN not_before_ms INTEGER;
ALTER TABLE jobs RENAME COLUMN max_attempts TO max_crashes;
-- Until now, all of them were counted as one.
UPDATE jobs SET crashes = max(0, attempt - excused - (state = 'running')) WHERE state IN ('queued', 'running');
ALTER TABLE jobs DROP COLUMN excused;

-- The number of its last event.
ALTER TABLE jobs ADD COLUMN events INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET events = (SELECT coalesce(max(number), 0) FROM events WHERE events.job = jobs.id);
