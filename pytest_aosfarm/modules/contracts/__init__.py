"""What each module promises on the wire, one file a module."""
