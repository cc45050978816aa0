"""How databases spell what judging needs: a file a database."""
