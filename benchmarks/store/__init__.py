"""The series store against dedicated time-series databases and against plain rows."""
