DROP TRIGGER messages_fts_delete;
DROP TRIGGER messages_fts_trigram_delete;
DELETE FROM messages WHERE id > 2;
UPDATE sessions SET message_count = 2;
