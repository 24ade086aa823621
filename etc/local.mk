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

# Units and a crontab to copy, with the places of this build in them.
systemddir = $(datadir)/postern/systemd
systemd_DATA = etc/systemd/postern-expiring.service etc/systemd/postern-expiring.timer \
	etc/systemd/postern-keys.socket etc/systemd/postern-keys@.service \
	etc/systemd/postern-refresh.service etc/systemd/postern-refresh.timer
crondir = $(datadir)/postern/cron
cron_DATA = etc/cron/postern-refresh
EXTRA_DIST += etc/systemd/postern-expiring.service.in etc/systemd/postern-expiring.timer.in \
	etc/systemd/postern-keys.socket.in etc/systemd/postern-keys@.service.in \
	etc/systemd/postern-refresh.service.in etc/systemd/postern-refresh.timer.in etc/cron/postern-refresh.in
CLEANFILES += $(systemd_DATA) $(cron_DATA)
place_fill = $(SED) -e 's|@bindir''@|$(bindir)|' -e 's|@sbindir''@|$(sbindir)|' -e 's|@moduledir''@|$(moduledir)|' \
	-e 's|@sysconfdir''@|$(sysconfdir)|g' -e 's|@localstatedir''@|$(localstatedir)|g'
$(systemd_DATA) $(cron_DATA): Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(place_fill) '$(srcdir)/$@.in' >$@.new && mv $@.new $@

# Mail servers: templates that an operator copies or postern-setup fills; etc/mta/WORDS says what stands between @ signs.
mtadir = $(datadir)/postern/mta
mtapostfixdir = $(mtadir)/postfix
dist_mta_DATA = etc/mta/WORDS
dist_mtapostfix_DATA = etc/mta/postfix/carrier.main.cf etc/mta/postfix/carrier.master.cf \
	etc/mta/postfix/external.main.cf etc/mta/postfix/external.master.cf \
	etc/mta/postfix/scanner.main.cf etc/mta/postfix/scanner.master.cf \
	etc/mta/postfix/internal.main.cf etc/mta/postfix/internal.master.cf
mtasendmaildir = $(mtadir)/sendmail
dist_mtasendmail_DATA = etc/mta/sendmail/carrier.mc etc/mta/sendmail/mailer.m4 etc/mta/sendmail/mailer.cf \
	etc/mta/sendmail/mailertable etc/mta/sendmail/tenants.m4 etc/mta/sendmail/instance.m4 etc/mta/sendmail/instance.service \
	etc/mta/sendmail/external.mc etc/mta/sendmail/scanner.mc etc/mta/sendmail/internal.mc

# The worked examples: a tree as it is.
EXTRA_DIST += etc/topologies
topologies = $(DESTDIR)$(datadir)/postern/topologies
install-data-local: install-topologies
install-topologies:
	(cd $(srcdir)/etc/topologies && find . -type f) | while read -r file; do \
		$(MKDIR_P) "$(topologies)/$${file%/*}" && $(INSTALL_DATA) "$(srcdir)/etc/topologies/$$file" "$(topologies)/$$file" || exit 1; \
	done
uninstall-local: uninstall-topologies
uninstall-topologies:
	(cd $(srcdir)/etc/topologies && find . -type f) | while read -r file; do rm -f "$(topologies)/$$file"; done
.PHONY: install-topologies uninstall-topologies
