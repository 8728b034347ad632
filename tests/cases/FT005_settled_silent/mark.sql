INSERT INTO state_meta (key, value) VALUES ('fts_optimize_available', '1');
