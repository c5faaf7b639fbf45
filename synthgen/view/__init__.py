"""The dataset catalogue as static pages."""
