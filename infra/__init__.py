"""What runs Kezek: packaging for AWS, and the local cloud."""
