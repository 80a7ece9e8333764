SELECT getSetting('async_insert'), getSetting('insert_deduplicate')
