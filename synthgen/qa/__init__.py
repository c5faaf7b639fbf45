"""Audit labels, compare with real data, fit, report."""
