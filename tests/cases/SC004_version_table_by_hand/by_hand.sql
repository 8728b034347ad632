DROP TABLE schema_version;
CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at REAL);
INSERT INTO schema_version VALUES (14, 1780000000.5);
