"""From one public GEO RNA-seq study to calls on AKT and NF-κB signalling, with their evidence.

The package holds all thinking of the workflow and never imports Snakemake. Importing it is light:
each module imports what it uses, and heavy libraries are imported by the modules that need them.
"""

__version__ = "0.1.0"
