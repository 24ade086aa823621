# keys-file
