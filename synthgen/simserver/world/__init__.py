"""Episodes, actors, settings, blueprints, traffic lights, recorder."""
