"""What the tenant page shows, each read in one query whatever the tenant's size."""
