"""nuScenes v1.0: tables, sensor files, point labels, CAN bus, maps; and their reader."""
