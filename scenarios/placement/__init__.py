"""Where on a map a scenario can take place."""
