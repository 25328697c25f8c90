"""What the page shows and takes: HTML, uploads, and the files that a browser loads. Knows nothing of Gradio."""
