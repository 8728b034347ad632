UPDATE sessions SET message_count = 0 WHERE id = 'list';
CREATE TABLE audit (id INTEGER PRIMARY KEY, message INTEGER);
CREATE TRIGGER audit_messages AFTER INSERT ON messages BEGIN INSERT INTO audit (message) VALUES (new.id); END;
