# bin: the operator's tools, each from NAME.in.  bin/installed/NAME is what is installed, bin/NAME runs from the build tree.
sbin_SCRIPTS = bin/installed/mailq-all bin/installed/deliver-all
noinst_SCRIPTS = bin/mailq-all bin/deliver-all
EXTRA_DIST += bin/mailq-all.in bin/deliver-all.in
CLEANFILES += $(sbin_SCRIPTS) $(noinst_SCRIPTS)

# what they share
toolsdir = $(datadir)/postern
dist_tools_DATA = bin/queues.sh bin/queues.awk bin/queues-holds.awk bin/queues-postfix.awk bin/queues-sendmail.awk bin/queues-show.awk

tool_fill = $(SED) -e 's|@version''@|$(PACKAGE_VERSION)|' -e 's|@sysconfdir''@|$(sysconfdir)|'
tool_fill_installed = $(tool_fill) -e 's|@postern''@|$(bindir)/postern|' -e 's|@share''@|$(datadir)/postern|'
tool_fill_built = $(tool_fill) -e 's|@postern''@|$(abs_top_builddir)/postern|' -e 's|@share''@|$(abs_top_srcdir)/bin|'

bin/installed/mailq-all bin/mailq-all: bin/mailq-all.in
bin/installed/deliver-all bin/deliver-all: bin/deliver-all.in
bin/installed/mailq-all bin/installed/deliver-all: Makefile
	$(AM_V_GEN)$(MKDIR_P) bin/installed && $(tool_fill_installed) '$(srcdir)/bin/$(@F).in' >$@.new && chmod 755 $@.new && mv $@.new $@
bin/mailq-all bin/deliver-all: Makefile
	$(AM_V_GEN)$(MKDIR_P) bin && $(tool_fill_built) '$(srcdir)/bin/$(@F).in' >$@.new && chmod 755 $@.new && mv $@.new $@
