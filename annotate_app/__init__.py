"""The web application: observers rate, curators run the study."""
