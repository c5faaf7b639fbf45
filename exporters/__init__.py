"""Dataset formats: a writer and, where needed, a reader for each."""
