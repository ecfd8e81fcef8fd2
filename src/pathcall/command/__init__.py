"""The command `pathcall`: check a study, run the workflow on it."""
