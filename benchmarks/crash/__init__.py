"""What is killed, again and again, has to come to the same end."""
