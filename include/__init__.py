"""What the DAGs of this bundle share: code and SQL that is not a DAG itself."""
