# programs in C of operators and module writers
include tools/cert/local.mk
include tools/module-check/local.mk
if HAVE_CURL
include tools/refresh/local.mk
endif
