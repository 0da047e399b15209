"""Reading requests and making answers: bodies, parameters, headers, errors."""
