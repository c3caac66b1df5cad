"""`stackmeter verify`: each number of a state is proven from what it is made of."""
