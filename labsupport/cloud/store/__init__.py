"""What the cloud remembers: one SQLite file, typed records, transactions, an outbox."""
