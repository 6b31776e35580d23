"""Pages: the frame, the one stylesheet and the template environment that every page of the product shares."""
