"""Commands of every week: intake, cycle, report, sweep, teacher."""
