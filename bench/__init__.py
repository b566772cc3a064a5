"""What the product costs: ``python -m bench`` measures it and prints one table; README.md explains it."""
