"""Two-sample statistics that respect sequences."""
