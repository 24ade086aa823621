include modules/common/local.mk
include modules/rules-file/local.mk
include modules/keys-file/local.mk
include modules/keys-socket/local.mk
include modules/check-path/local.mk
if HAVE_LDAP
include modules/keys-ldap/local.mk
endif
if HAVE_P11KIT
include modules/keys-pkcs11/local.mk
endif
if HAVE_SQLITE
include modules/keys-sql/local.mk
endif
if HAVE_UNBOUND
include modules/keys-smimea/local.mk
endif
if HAVE_CURL
include modules/check-xkms/local.mk
endif
