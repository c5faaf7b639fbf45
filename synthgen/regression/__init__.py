"""Lock, verify and diff regression sets."""
