// Quaderno
