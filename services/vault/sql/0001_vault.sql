-- The vault: keys wrapped by the master key (AES-256-GCM), which itself is never in the database.

CREATE SCHEMA IF NOT EXISTS touchline;

-- A data key seals the personal data of one owner: an identifier's hash, or a day.
CREATE TABLE touchline.data_key (
    key_id       text PRIMARY KEY,
    workspace    text NOT NULL,
    owner        text NOT NULL,
    wrapped      bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    -- A destroyed key leaves its id behind, so that what it sealed is known to be erased and not broken.
    CHECK ((destroyed_at IS NULL) = (wrapped IS NOT NULL))
);
CREATE UNIQUE INDEX data_key_in_force ON touchline.data_key (workspace, owner) WHERE destroyed_at IS NULL;

-- The hash key, and by its fingerprint the master key that wraps all keys now.
CREATE TABLE touchline.vault_secret (
    name    text PRIMARY KEY,
    wrapped bytea NOT NULL,
    master  text NOT NULL
);

GRANT USAGE ON SCHEMA touchline TO touchline_fold;
GRANT SELECT, INSERT, UPDATE ON touchline.data_key, touchline.vault_secret TO touchline_fold;
