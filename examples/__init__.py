"""Programs and projects to learn from: a dbt project that calls build, and a demo of both journeys."""
