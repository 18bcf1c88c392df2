"""The files that `tuneyard new` writes; they are copied as text and not imported."""
