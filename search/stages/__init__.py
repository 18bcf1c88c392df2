"""What a search does, stage by stage."""
