"""The processes of one installation: a server, its children and the data time they share."""
