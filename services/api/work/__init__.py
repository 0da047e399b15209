"""What the API does beside answering: thumbnails, comparisons, imports, the rotation of prompts."""
