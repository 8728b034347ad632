ALTER TABLE messages RENAME TO messages_archive;
CREATE VIEW messages AS SELECT * FROM messages_archive;
