"""Questions with what should be found, from files of several shapes. Runs nothing."""
