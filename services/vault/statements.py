"""What the vault asks of PostgreSQL."""

from typing import Final

HASH_KEY: Final = "hash_key"
"""The name of the one secret that is no data key."""

ADD_HASH_KEY: Final = """
INSERT INTO touchline.vault_secret (name, wrapped, master) VALUES (%s, %b, %s)
ON CONFLICT DO NOTHING
"""
READ_HASH_KEY: Final = "SELECT wrapped, master FROM touchline.vault_secret WHERE name = %s"
# Sorted, so that two processes that make keys for the same owners don't wait for each other. Under
# a master key that was rotated meanwhile nothing is made, since nobody could unwrap it.
KEYS_IN_FORCE: Final = """
WITH wanted AS (
    SELECT * FROM unnest(%(owners)b::text[], %(key_ids)b::text[], %(wrapped)b::bytea[])
        AS wanted (owner, key_id, wrapped)
), known AS (
    SELECT owner, key_id, wrapped FROM touchline.data_key
    WHERE workspace = %(workspace)s AND owner = ANY (%(owners)b::text[]) AND destroyed_at IS NULL
), made AS (
    INSERT INTO touchline.data_key (key_id, workspace, owner, wrapped)
    SELECT key_id, %(workspace)s, owner, wrapped FROM wanted
    WHERE owner NOT IN (SELECT owner FROM known)
      AND EXISTS (
          SELECT FROM touchline.vault_secret WHERE name = 'hash_key' AND master = %(master)s)
    ORDER BY owner
    ON CONFLICT (workspace, owner) WHERE destroyed_at IS NULL DO NOTHING
    RETURNING owner, key_id, wrapped
)
SELECT owner, key_id, wrapped FROM known UNION ALL SELECT owner, key_id, wrapped FROM made
"""
KEYS_BY_ID: Final = """
SELECT workspace, owner, key_id, wrapped FROM touchline.data_key
WHERE key_id = ANY (%b::text[]) AND destroyed_at IS NULL
"""
DESTROY: Final = """
WITH doomed AS (
    SELECT key_id FROM touchline.data_key
    WHERE workspace = %(workspace)s AND owner = ANY (%(owners)b::text[]) AND destroyed_at IS NULL
    ORDER BY key_id FOR UPDATE
)
UPDATE touchline.data_key SET wrapped = NULL, destroyed_at = now()
WHERE key_id IN (SELECT key_id FROM doomed) RETURNING key_id
"""
# Makes nobody wait but those who would make or destroy a key under the old master key.
LOCK_KEYS: Final = "LOCK TABLE touchline.data_key IN SHARE ROW EXCLUSIVE MODE"
KEYS_AFTER: Final = """
SELECT key_id, workspace, owner, wrapped FROM touchline.data_key
WHERE key_id > %s AND destroyed_at IS NULL ORDER BY key_id LIMIT %s
"""
REWRAP: Final = """
UPDATE touchline.data_key SET wrapped = rewrapped.wrapped
FROM unnest(%b::text[], %b::bytea[]) AS rewrapped (key_id, wrapped)
WHERE data_key.key_id = rewrapped.key_id
"""
REWRAP_HASH_KEY: Final = (
    "UPDATE touchline.vault_secret SET wrapped = %b, master = %s WHERE name = %s"
)
KNOWN_KEYS: Final = "SELECT key_id FROM touchline.data_key WHERE key_id = ANY (%b::text[])"
