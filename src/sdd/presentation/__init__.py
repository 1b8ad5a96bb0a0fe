"""What people look at: tables, figures, pages and the report. Nothing is measured here."""
