DROP INDEX idx_sessions_source;
CREATE INDEX idx_sessions_source ON sessions(title);
