-- As 0010_hold_account.sql, for customers whose row waits to be settled as well: their state is stale.

CREATE OR REPLACE FUNCTION touchline.hold_account(
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

    -- One statement: a fold that takes a redemption in changes the state, or leaves it stale, and forgets that it was
    -- spoken for at once.
    WITH who AS (
        SELECT o.customer_id FROM identifier o WHERE o.workspace = of_workspace AND o.identifier = of_identifier
    ), member AS (
        SELECT i.identifier FROM identifier i
        WHERE i.workspace = of_workspace AND i.customer_id = (SELECT who.customer_id FROM who)
    )
    SELECT (SELECT array_agg(member.identifier) FROM member), who.customer_id,
           CASE WHEN u.customer_id IS NULL THEN l.state ELSE ''::bytea END, l.as_of,
           (SELECT coalesce(sum(p.points), 0) FROM touchline.pending_redemption p
            WHERE p.workspace = of_workspace AND p.leaf IN (SELECT member.identifier FROM member)),
           c.tick, c.revision
    INTO members, customer_id, state, as_of, spoken_for, tick, revision
    FROM who
    LEFT JOIN loyalty l ON l.workspace = of_workspace AND l.customer_id = who.customer_id
    LEFT JOIN unsettled u ON u.workspace = of_workspace AND u.customer_id = who.customer_id
    CROSS JOIN control c;
    is_moved := members IS NOT NULL AND NOT coalesce(held @> members, false);
END $$;
