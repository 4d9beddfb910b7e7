"""Values in what a customer writes, one noun a file: each finds all of its kind in a text, in English and Chinese."""
