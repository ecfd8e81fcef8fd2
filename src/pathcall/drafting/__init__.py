"""Drafts of a study: which samples are compared with which, guessed from what describes them."""
