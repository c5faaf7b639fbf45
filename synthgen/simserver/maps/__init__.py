"""OpenDRIVE to roads, scenery, navigation mesh and spawn points."""
