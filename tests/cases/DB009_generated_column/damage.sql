UPDATE sessions SET message_count = 0 WHERE id = 'list';
ALTER TABLE sessions ADD COLUMN short TEXT AS (substr(title, 1, 20));
