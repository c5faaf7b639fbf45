"""MOTChallenge: one sequence per clip and camera."""
