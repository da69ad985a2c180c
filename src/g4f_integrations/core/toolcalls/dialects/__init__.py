"""One room for each family of forms in which models write calls. Each recogniser is a pure function of the text."""
