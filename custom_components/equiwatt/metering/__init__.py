"""The use of a home in an equivent, and its usual use then."""
