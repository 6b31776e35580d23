"""Label Studio on loopback: the part of its REST API that the review uses, in memory, with faults and backups."""
