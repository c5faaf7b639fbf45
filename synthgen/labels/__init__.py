"""Labels as pure functions of stored sensor data and actor states."""
