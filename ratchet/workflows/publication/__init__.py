"""Publishing adapters on a Hub, and fetching bases and third-party adapters from one."""
