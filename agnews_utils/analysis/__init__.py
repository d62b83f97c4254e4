"""What can be said of finished runs: tables, intervals, paired tests, calibration, claims, and the articles themselves."""
