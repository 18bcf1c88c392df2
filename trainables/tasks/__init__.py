"""The problems of the tasks, one file each; the space of the same name is in `spaces/tasks`."""
