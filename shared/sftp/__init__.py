"""Campaign's SFTP server, as far as the bridge uses it: files of one folder, read, moved,
deleted.
"""
