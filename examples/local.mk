# modules to start from; not installed among the others: whoever uses one copies it
examplesdir = $(datadir)/postern/examples
dist_examples_SCRIPTS = examples/keys-rest/keys-rest
dist_examples_DATA = examples/README
