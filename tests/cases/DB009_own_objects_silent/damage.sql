UPDATE sessions SET message_count = 0 WHERE id = 'list';
CREATE TABLE notes (session_id TEXT REFERENCES sessions(id) ON DELETE CASCADE, note TEXT, at REAL);
INSERT INTO notes VALUES ('list', 'ask again', 1.0);
CREATE TRIGGER notes_at AFTER INSERT ON notes BEGIN UPDATE notes SET at = 2.0 WHERE rowid = new.rowid; END;
CREATE VIEW talk AS SELECT session_id, role, content FROM messages;
CREATE INDEX by_role ON messages (role);
