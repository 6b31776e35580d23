"""Publishing an adapter on a Hub: the uploaded files, the scan of them, the requests to the Hub, and loading back."""
