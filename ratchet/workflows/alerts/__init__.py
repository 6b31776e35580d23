"""Alerts: found in stored state, written down before they are sent, sent by a process for each receiver."""
