"""What the page shows and asks: visits, HTML, uploads, and the files that a browser loads. Knows nothing of Gradio."""
