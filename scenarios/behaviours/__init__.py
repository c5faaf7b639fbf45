"""What actors do, one generator per behaviour."""
