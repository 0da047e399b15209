"""What a request says and what an answer is made of."""
