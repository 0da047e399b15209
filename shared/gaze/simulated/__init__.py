"""A viewer that nobody is: the samples of a person who looks at a picture, and what that person did."""
