"""WebDataset: tar shards, one sample per capture."""
