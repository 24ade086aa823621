# man
dist_man_MANS += man/postern-profiles.5
