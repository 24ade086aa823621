include modules/common/local.mk
include modules/rules-file/local.mk
include modules/keys-file/local.mk
include modules/check-path/local.mk
