# etc
# Samples to copy: an installation's own files are never touched.
exampledir = $(datadir)/postern/examples
dist_example_DATA = etc/rules
