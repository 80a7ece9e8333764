-- One way to the server and back for all that a command on points has to hold and to see. A thread of the web process
-- that comes back from each statement waits for Python's lock each time: eight ways cost more than the work.
--
-- Locks come before looks, and each statement in here sees what was committed before it began. Held until the commit:
-- names (of keys), and every identifier of the customer. One lock on the customer alone would not do: of two customers
-- that a fold makes one in between, each could be spent from once. Where identifiers came or left between lock and
-- look, is_moved says so: begin again, for locks out of their order may wait for each other.

CREATE FUNCTION touchline.hold_account(
    of_workspace text, names text[], keys text[], of_identifier uuid,
    OUT kept jsonb, OUT is_moved boolean, OUT customer_id uuid, OUT state bytea, OUT as_of timestamptz,
    OUT spoken_for bigint, OUT tick timestamptz, OUT revision bigint
) LANGUAGE plpgsql AS $$
DECLARE
    held uuid[];
    members uuid[];
BEGIN
    PERFORM set_config('touchline.workspace', of_workspace, true);
    FOR place IN 1 .. coalesce(cardinality(names), 0) LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended(names[place], 7102030));
    END LOOP;
    SELECT jsonb_agg(jsonb_build_array(c.idempotency_key, c.request_digest, c.status, c.answer)) INTO kept
    FROM touchline.command c WHERE c.workspace = of_workspace AND c.idempotency_key = ANY(keys);
    IF of_identifier IS NULL THEN
        RETURN;
    END IF;

    SELECT array_agg(i.identifier ORDER BY i.identifier) INTO held FROM identifier i
    WHERE i.workspace = of_workspace AND i.customer_id = (
        SELECT o.customer_id FROM identifier o WHERE o.workspace = of_workspace AND o.identifier = of_identifier);
    FOR place IN 1 .. coalesce(cardinality(held), 0) LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended(held[place]::text, 7102031));
    END LOOP;

    -- One statement: a fold that takes a redemption in changes the state and forgets that it was spoken for at once.
    WITH who AS (
        SELECT o.customer_id FROM identifier o WHERE o.workspace = of_workspace AND o.identifier = of_identifier
    ), member AS (
        SELECT i.identifier FROM identifier i
        WHERE i.workspace = of_workspace AND i.customer_id = (SELECT who.customer_id FROM who)
    )
    SELECT (SELECT array_agg(member.identifier) FROM member), who.customer_id, l.state, l.as_of,
           (SELECT coalesce(sum(p.points), 0) FROM touchline.pending_redemption p
            WHERE p.workspace = of_workspace AND p.leaf IN (SELECT member.identifier FROM member)),
           c.tick, c.revision
    INTO members, customer_id, state, as_of, spoken_for, tick, revision
    FROM who
    LEFT JOIN loyalty l ON l.workspace = of_workspace AND l.customer_id = who.customer_id
    CROSS JOIN control c;
    is_moved := members IS NOT NULL AND NOT coalesce(held @> members, false);
END $$;
REVOKE ALL ON FUNCTION touchline.hold_account FROM PUBLIC;
GRANT EXECUTE ON FUNCTION touchline.hold_account TO touchline_query;
