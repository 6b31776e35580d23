"""Report of one week as the gateway serves it: inside the frame, with the ways around it, also of a week that has none.

Add here what a page about one week shows beside the report; its sections are `ratchet/evaluation/report/`, weeks side
by side are `ratchet/workflows/history/`.
"""
