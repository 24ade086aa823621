# rules-file
EXTRA_DIST += t/helper/module-talk
