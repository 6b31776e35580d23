"""Files of rows as other programs write them: names, compression, encodings and layouts, opened as one plain form."""
