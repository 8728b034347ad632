DROP INDEX idx_messages_session;
DROP INDEX idx_sessions_parent;
