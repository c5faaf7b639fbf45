"""Pictures of a clip for people: video with boxes and bird's-eye view, contact sheet."""
