DELETE FROM messages_fts_data WHERE id = 10;
