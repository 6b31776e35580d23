"""Explanation: the contribution of each word of a text to an answer, computed on the model that serves.

`integrated_gradients` integrates gradients over tokens, `word_attribution` joins tokens to words, `explain` calls both
and checks that the explained answer is the served one. Add here other ways to explain one answer; pages are drawn by
`ratchet/evaluation/report/explanation.py`.
"""
