# bin
