# figures: how they are made is in HACKING.md and README.md
EXTRA_DIST += bench/README.md bench/Cpu.pm bench/Certificates.pm bench/areas bench/import bench/layout bench/lookup bench/message bench/passthrough bench/throughput bench/throughput.pl t/0500-passthrough.t
EXTRA_DIST += bench/check-path
check_PROGRAMS += bench/path-bare bench/in-turn
bench_in_turn_SOURCES = bench/in-turn.c
bench_path_bare_SOURCES = bench/path-bare.c
bench_path_bare_LDADD = $(SHARED_CRYPTO_LIBS)
EXTRA_DIST += bench/Beside.pm bench/Zone.pm bench/bare.h bench/keys-file bench/keys-sql bench/sources
check_PROGRAMS += bench/asker bench/openssl-bare
bench_asker_SOURCES = bench/asker.c bench/bare.h
bench_asker_LDADD =
bench_openssl_bare_SOURCES = bench/openssl-bare.c bench/bare.h
bench_openssl_bare_LDADD = $(BASE_LDADD) $(CRYPTO_LIBS)
EXTRA_DIST += bench/refresh
check_PROGRAMS += bench/conversation
bench_conversation_SOURCES = bench/conversation.c
bench_conversation_LDADD = libmodule.a $(BASE_LDADD) $(CRYPTO_LIBS)
