"""What the provider says of equivents, and what is made of it: nothing of Home Assistant."""
