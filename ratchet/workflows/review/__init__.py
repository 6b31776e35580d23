"""Steps of the review: requests are queued, people are asked, and their answers become corrections."""
