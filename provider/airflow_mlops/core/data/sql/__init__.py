"""SQL dialects for validation and profiling, one module per database."""
