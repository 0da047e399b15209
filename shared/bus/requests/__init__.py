"""What is asked of each process, and what it answers: a module a process, one type a request that carries fields."""
