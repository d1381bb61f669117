"""Timetables of groups that meet for lessons: weekly, cancelled, made up."""
