"""Benchmarks of the engine: ``PYTHONPATH=src python -m benchmarks.run``."""
