"""Audits of real pages in a real Chromium: what the eye, the ear and the keyboard find."""
