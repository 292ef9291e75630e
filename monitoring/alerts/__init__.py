"""Alerts: what people are told, by Slack and by e-mail, once each, with what to do."""
