"""What `scripts/mutants` is made of: changes to code, and what tests say of them."""
