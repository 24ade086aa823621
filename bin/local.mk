# bin: the operator's tools, each from NAME.in.  bin/installed/NAME is what is installed, bin/NAME runs from the build tree.
sbin_SCRIPTS = bin/installed/mailq-all bin/installed/deliver-all bin/installed/postern-setup
noinst_SCRIPTS = bin/mailq-all bin/deliver-all bin/postern-setup
EXTRA_DIST += bin/mailq-all.in bin/deliver-all.in bin/postern-setup.in
CLEANFILES += $(sbin_SCRIPTS) $(noinst_SCRIPTS)

# what they share
toolsdir = $(datadir)/postern
dist_tools_DATA = bin/queues.sh bin/queues.awk bin/queues-holds.awk bin/queues-postfix.awk bin/queues-sendmail.awk bin/queues-show.awk
dist_tools_DATA += bin/fill.awk bin/setup-steps.sh bin/setup-look.sh bin/setup-want.sh bin/setup-test.sh
dist_tools_DATA += bin/setup-postfix.sh bin/setup-postfix-files.sh bin/setup-sendmail.sh bin/setup-sendmail-files.sh

tool_fill = $(SED) -e 's|@version''@|$(PACKAGE_VERSION)|' -e 's|@sysconfdir''@|$(sysconfdir)|' -e 's|@localstatedir''@|$(localstatedir)|'
tool_fill_installed = $(tool_fill) -e 's|@postern''@|$(bindir)/postern|' -e 's|@share''@|$(datadir)/postern|'
tool_fill_built = $(tool_fill) -e 's|@postern''@|$(abs_top_builddir)/postern|' -e 's|@share''@|$(abs_top_srcdir)/bin|'

bin/installed/mailq-all bin/mailq-all: bin/mailq-all.in
bin/installed/deliver-all bin/deliver-all: bin/deliver-all.in
bin/installed/postern-setup bin/postern-setup: bin/postern-setup.in
bin/installed/mailq-all bin/installed/deliver-all bin/installed/postern-setup: Makefile
	$(AM_V_GEN)$(MKDIR_P) bin/installed && $(tool_fill_installed) '$(srcdir)/bin/$(@F).in' >$@.new && chmod 755 $@.new && mv $@.new $@
bin/mailq-all bin/deliver-all bin/postern-setup: Makefile
	$(AM_V_GEN)$(MKDIR_P) bin && $(tool_fill_built) '$(srcdir)/bin/$(@F).in' >$@.new && chmod 755 $@.new && mv $@.new $@
