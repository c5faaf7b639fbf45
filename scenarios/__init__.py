"""Scenario specifications, sampling, placement, behaviours and verification."""
