# man
dist_man_MANS += man/postern-profiles.5
dist_man_MANS += man/postern.8 man/postern.conf.5
dist_man_MANS += man/mailq-all.8 man/deliver-all.8
dist_man_MANS += man/postern-setup.8
dist_man_MANS += man/postern-topologies.7
dist_man_MANS += man/postern-postfix.7
dist_man_MANS += man/postern-sendmail.7
