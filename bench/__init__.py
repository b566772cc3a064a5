"""What the product costs: ``python -m bench`` runs all of it and prints one table. See README.md beside this."""
