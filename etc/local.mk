# etc
# Samples to copy: an installation's own files are never touched.
exampledir = $(datadir)/postern/examples
dist_example_DATA = etc/rules

# The profiles go where they are read, unless the operator has a file there already.
EXTRA_DIST += etc/profiles
postern_profiles = $(DESTDIR)$(sysconfdir)/postern/profiles
install-data-local: install-profiles
install-profiles:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)/postern'
	test -e '$(postern_profiles)' || $(INSTALL_DATA) $(srcdir)/etc/profiles '$(postern_profiles)'
uninstall-local: uninstall-profiles
uninstall-profiles:
	if cmp -s $(srcdir)/etc/profiles '$(postern_profiles)'; then rm -f '$(postern_profiles)'; fi
.PHONY: install-profiles uninstall-profiles
dist_example_DATA += etc/postern.conf
