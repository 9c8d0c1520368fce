"""HTTP only: read the request, call one function, show the result."""
