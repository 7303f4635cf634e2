"""Reading photos of any kind safely, judging them, and writing pristine PNG files."""
