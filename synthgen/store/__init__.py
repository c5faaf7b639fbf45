"""The clip folder on disk: layout, writing, reading, committing."""
