"""Both journeys on real input: `python -m examples.demo` (make demo). Read outbound and inbound; they are the story.

receiver   a model of a receiver, a process of its own      inbox     its process, and what it received
product    the platform, on a throwaway data directory      trigger   a task and its trigger, and the calls to it
stage      who must get what, and whether they did          shop      the dbt project that the task builds
payload    the sample events, and how bodies compare        story     what you read, and whether every check held
"""
