"""What a worker's phone shows, keeps and sends."""
