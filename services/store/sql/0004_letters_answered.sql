-- What became of a letter that was resubmitted: the same question gets the same answer.

ALTER TABLE touchline.dead_letter
    ADD COLUMN resubmitted_id text,
    ADD COLUMN position       text;

-- What did not come from the log (an import, a webhook) is kept once, however often it is told.
CREATE UNIQUE INDEX dead_letter_origin ON touchline.dead_letter (workspace, origin) WHERE partition IS NULL;
