CREATE TABLE copied AS SELECT * FROM state_meta;
DROP TABLE state_meta;
ALTER TABLE copied RENAME TO state_meta;
INSERT INTO state_meta VALUES ('last_prune', '1790000000');
