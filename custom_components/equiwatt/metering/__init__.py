"""How much the home used in an equivent, and what it usually uses then."""
