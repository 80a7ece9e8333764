-- A member's state is several kilobytes where many lots are open. It is read and written whole, far too often to be
-- compressed each time; and rows of a page that are all written by one batch find room beside what they replace.
ALTER TABLE loyalty ALTER COLUMN state SET STORAGE EXTERNAL;
ALTER TABLE loyalty SET (fillfactor = 50);
ALTER TABLE lifecycle SET (fillfactor = 50);
