"""Commands that only look: status, explanation of an answer, verification of receipts and ledgers."""
