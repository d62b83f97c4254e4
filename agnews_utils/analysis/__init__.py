"""What can be said of finished runs and of the articles: tables, intervals, paired tests, calibration, claims."""
