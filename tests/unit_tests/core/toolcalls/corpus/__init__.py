"""Answers as models write them, and what is to be read in them. Every line is our own, after formats that exist."""
