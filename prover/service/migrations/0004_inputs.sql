-- Whether what was handed in is removed once the job has ended.
ALTER TABLE jobs ADD COLUMN forget_inputs INTEGER NOT NULL DEFAULT 0;
