"""What to search and where: `SearchSpec`, its samplers, schedulers and restrictions."""
