"""The command `pathcall`: draft a study, check it, run the workflow on it."""
