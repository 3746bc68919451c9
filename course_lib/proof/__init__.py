"""What CI runs: gates over the files, over the lessons, and what they leave behind."""
