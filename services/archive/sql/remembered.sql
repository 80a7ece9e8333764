-- What a table has that says nothing of them.
SELECT name, value FROM system.merge_tree_settings WHERE name IN {names:Array(String)}
