# rules-file
