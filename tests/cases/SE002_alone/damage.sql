DROP INDEX idx_sessions_title_unique;
UPDATE sessions SET title = 'Boxes';
