"""Pages about one week: its report in the frame, a week without a report, the texts behind a cell, and all weeks.

Add here another page about one week.
"""
