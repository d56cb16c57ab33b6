"""What crashes, full disks and broken disks leave behind: found, told, and repaired where nothing can be lost."""
