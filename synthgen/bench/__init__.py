"""Measurements that print one flat JSON object each."""
