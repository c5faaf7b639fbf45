"""SemanticKITTI: sweeps with a class and an instance for each point."""
