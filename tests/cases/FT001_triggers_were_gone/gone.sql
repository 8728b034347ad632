DROP TRIGGER messages_fts_insert;
