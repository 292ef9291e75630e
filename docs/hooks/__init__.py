"""What makes the documentation site: the folders' READMEs as pages, and a reference made of code and dbt."""
