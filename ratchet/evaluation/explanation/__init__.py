"""Explanation: how much each word of a text spoke for an answer, by the path that serves.

`gradients` integrates gradients over tokens, `words` joins tokens to the words that a person reads, `explaining` asks
both and checks that what was explained is what is served. Add here other ways to look into one answer; pages are drawn
by `ratchet/evaluation/report/explanation.py`.
"""
