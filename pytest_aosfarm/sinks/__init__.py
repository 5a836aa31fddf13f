"""Where synthetic tables go: files of several formats, SQLite, PostgreSQL."""
