"""Audit labels against evidence that the label writer did not use."""
