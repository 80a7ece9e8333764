-- Roles, the schema of what must survive a rebuild, and the one function that isolates workspaces.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'touchline_fold') THEN
        CREATE ROLE touchline_fold;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'touchline_query') THEN
        CREATE ROLE touchline_query;
    END IF;
    -- A role given by an address of its own was made, and given what it may, by whoever runs the database.
    IF NOT (SELECT rolbypassrls FROM pg_roles WHERE rolname = 'touchline_fold') THEN
        ALTER ROLE touchline_fold BYPASSRLS;
    END IF;
    IF NOT pg_has_role(current_user, 'touchline_fold', 'SET') THEN
        EXECUTE format('GRANT touchline_fold, touchline_query TO %I', current_user);
    END IF;
END $$;

-- A stopped worker's partitions move on within ten seconds, so its transaction may not rest for longer than five.
ALTER ROLE touchline_fold SET search_path = live, touchline, public;
ALTER ROLE touchline_fold SET statement_timeout = '60s';
ALTER ROLE touchline_fold SET idle_in_transaction_session_timeout = '5s';
-- Who waits ten seconds for an answer has gone; a reader never stands in a fold's way for longer than that.
ALTER ROLE touchline_query SET search_path = live, touchline, public;
ALTER ROLE touchline_query SET statement_timeout = '10s';
ALTER ROLE touchline_query SET lock_timeout = '5s';
ALTER ROLE touchline_query SET idle_in_transaction_session_timeout = '5s';

CREATE SCHEMA IF NOT EXISTS touchline;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA touchline, public TO touchline_fold, touchline_query;

-- After this every table of the schema that has a workspace shows and takes rows of one workspace only: the one set
-- in the transaction by set_config('touchline.workspace', …, true), none when unset (which after such a transaction
-- reads as an empty text; and what can't be read is of workspace ''). Grants are a matter of its own:
-- of each migration in schema touchline, of migrate.py in the schemas that folds write.
CREATE FUNCTION touchline.isolate(of_schema text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    found record;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO touchline_fold, touchline_query', of_schema);
    FOR found IN
        SELECT c.oid::regclass AS relation, c.relrowsecurity AND c.relforcerowsecurity AS is_secured,
               EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'workspace') AS has_policy
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace' AND NOT a.attisdropped
        WHERE c.relnamespace = of_schema::regnamespace AND c.relkind IN ('r', 'p')
    LOOP
        IF NOT found.is_secured THEN
            EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', found.relation);
        END IF;
        IF NOT found.has_policy THEN
            EXECUTE format(
                'CREATE POLICY workspace ON %s'
                ' USING (workspace = nullif(current_setting(''touchline.workspace'', true), ''''))',
                found.relation
            );
        END IF;
    END LOOP;
END $$;
