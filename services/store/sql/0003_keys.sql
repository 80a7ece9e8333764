-- Workspaces (tenants), and the keys that callers authenticate with.

CREATE TABLE touchline.workspace (
    workspace  text PRIMARY KEY CHECK (workspace ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name       text NOT NULL,
    time_zone  text NOT NULL,
    currency   text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    region     text NOT NULL CHECK (region ~ '^[A-Z]{2}$'),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE touchline.api_key (
    key_id     text PRIMARY KEY,
    -- SHA-256 of a key of 256 random bits: nothing to guess, so nothing to slow down.
    key_hash   bytea NOT NULL UNIQUE CHECK (octet_length(key_hash) = 32),
    workspace  text NOT NULL REFERENCES touchline.workspace,
    kind       text NOT NULL CHECK (kind IN ('browser', 'write', 'secret', 'admin')),
    name       text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    -- May lie ahead: until then the old key and its successor both work.
    revoked_at timestamptz
);
CREATE INDEX api_key_workspace ON touchline.api_key (workspace, created_at, key_id);

-- Isolation is forced on owners too; the one look-up that comes before a workspace is known has to see all keys.
CREATE POLICY look_up ON touchline.api_key FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY look_up ON touchline.workspace FOR SELECT TO CURRENT_USER USING (true);

-- The key with this SHA-256 if it is in force, and what its workspace says of itself.
CREATE FUNCTION touchline.find_key(sought bytea)
RETURNS TABLE (key_id text, workspace text, kind text, region text, time_zone text, currency text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.key_id, k.workspace, k.kind, w.region, w.time_zone, w.currency
    FROM touchline.api_key k JOIN touchline.workspace w ON w.workspace = k.workspace
    WHERE k.key_hash = sought
      AND (k.expires_at IS NULL OR k.expires_at > now())
      AND (k.revoked_at IS NULL OR k.revoked_at > now())
$$;
REVOKE ALL ON FUNCTION touchline.find_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION touchline.find_key TO touchline_fold, touchline_query;

GRANT SELECT, INSERT, UPDATE ON touchline.workspace TO touchline_fold;
GRANT SELECT, INSERT ON touchline.api_key TO touchline_fold;
GRANT UPDATE (revoked_at) ON touchline.api_key TO touchline_fold;
GRANT SELECT ON touchline.workspace TO touchline_query;
-- Hashes can be written and never read: who may list keys still can't tell which one a caller uses.
GRANT SELECT (key_id, workspace, kind, name, created_at, expires_at, revoked_at), INSERT ON touchline.api_key
    TO touchline_query;
GRANT UPDATE (revoked_at) ON touchline.api_key TO touchline_query;
