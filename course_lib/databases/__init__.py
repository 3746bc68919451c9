"""Chapter 3, databases: what the database can promise you, and what it leaves to you.

Import the modules by name, for example `from course_lib.databases.pool import Pool`.
"""
