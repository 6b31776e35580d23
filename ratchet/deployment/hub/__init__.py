"""Publishing an adapter on a Hub: what is uploaded, what must not be, how the Hub is spoken to, and how it is loaded
back."""
