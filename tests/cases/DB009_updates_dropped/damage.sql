UPDATE sessions SET message_count = 0 WHERE id = 'list';
CREATE TRIGGER keep_counts BEFORE UPDATE OF message_count ON sessions BEGIN SELECT RAISE(IGNORE); END;
