"""What Streamlit runs, for each session and each interaction."""

from portal.frame import run

run()
