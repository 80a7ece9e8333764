-- Names are found by their trigrams, under row-level security too.
--
-- PostgreSQL lets a condition of a query use an index before the policy was checked only where it can't tell of rows in
-- its errors, and marks neither of these two so: LIKE may fail, but for the pattern alone, lower() never does for text
-- that is stored. Without this each search reads every customer (20 000: 12 ms, with it 0.3). Only a superuser may say
-- so; where the owner is none, search is slower and nothing else differs.

DO $$
BEGIN
    ALTER FUNCTION pg_catalog.textlike(text, text) LEAKPROOF;
    ALTER FUNCTION pg_catalog.lower(text) LEAKPROOF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'searching names will read every customer: only a superuser may mark lower() and LIKE leakproof';
END $$;
