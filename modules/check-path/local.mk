# check-path
