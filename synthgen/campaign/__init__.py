"""Plan, dispatch and supervise many clips."""
