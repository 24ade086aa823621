/* statements.c - every question this module ever asks a database
 *
 * What SQLite and PostgreSQL both understand; all columns that are asked for are text or bytes.  The order of rows is
 * what keys-file does: own address before domain, trusted before public before our own, the newest first.
 */

#include "keys-sql/statements.h"

#define TWENTY "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20"

#define AREA_ORDER "CASE p.area WHEN 'trusted' THEN 0 WHEN 'public' THEN 1 WHEN 'private' THEN 2 WHEN 'ca' THEN 3 ELSE 4 END"

const struct statement_text statements[STATEMENTS] = {
	[ASK_VERSION] = { "version",
		"SELECT CAST(COALESCE(MAX(version), 0) AS TEXT) FROM schema_versions", 0, false },
	[FIND_ADDRESS] = { "find_address",
		"SELECT a.address, p.area, c.der, c.sha256, p.source, COALESCE(k.der, '')"
		" FROM addresses a JOIN certificates c ON c.sha256 = a.sha256 JOIN placements p ON p.sha256 = c.sha256"
		" LEFT JOIN capabilities k ON k.address = a.address"
		" WHERE a.address IN ($1, $2) AND p.area IN ('trusted', 'public', 'private')"
		/* what is kept to decrypt is not offered to encrypt to */
		" AND NOT (p.area = 'private' AND EXISTS"
		" (SELECT 1 FROM own_keys o WHERE o.public_key = c.public_key AND o.purpose = 'decrypt'))"
		" ORDER BY CASE WHEN a.address = $1 THEN 0 ELSE 1 END, " AREA_ORDER ", c.not_before DESC, c.sha256 LIMIT 64", 2, false },
	[FIND_IDENTIFIERS] = { "find_identifiers",
		"SELECT p.area, c.der, c.sha256, p.source FROM certificates c JOIN placements p ON p.sha256 = c.sha256"
		" WHERE (c.issuer_serial IN (" TWENTY ") OR c.key_id IN (" TWENTY "))"
		" ORDER BY " AREA_ORDER ", c.not_before DESC, c.sha256 LIMIT 200", IDENTIFIERS_AT_ONCE, false },
	[FIND_SIGNERS] = { "find_signers",
		"SELECT a.address, c.der, c.sha256, p.source, c.public_key, COALESCE(o.purpose, '')"
		" FROM addresses a JOIN certificates c ON c.sha256 = a.sha256 JOIN placements p ON p.sha256 = c.sha256"
		" LEFT JOIN own_keys o ON o.public_key = c.public_key"
		" WHERE a.address IN ($1, $2) AND p.area = 'private'"
		" ORDER BY CASE o.purpose WHEN 'any' THEN 0 ELSE 1 END, CASE WHEN a.address = $1 THEN 0 ELSE 1 END, c.not_before DESC, c.sha256 LIMIT 64", 2, false },
	[FIND_RECIPIENTS] = { "find_recipients",
		"SELECT c.der, c.sha256, p.source, c.public_key"
		" FROM certificates c JOIN placements p ON p.sha256 = c.sha256 JOIN own_keys o ON o.public_key = c.public_key"
		" WHERE (c.issuer_serial IN (" TWENTY ") OR c.key_id IN (" TWENTY ")) AND p.area = 'private'"
		" ORDER BY c.not_before DESC, c.sha256 LIMIT 200", IDENTIFIERS_AT_ONCE, false },
	[FIND_ISSUERS] = { "find_issuers",
		"SELECT c.der, c.sha256, p.source FROM certificates c JOIN placements p ON p.sha256 = c.sha256"
		" WHERE c.subject = $1 AND p.area IN ('private', 'ca')"
		" ORDER BY " AREA_ORDER ", c.not_before DESC, c.sha256 LIMIT 64", 1, false },
	[GET_KEY] = { "get_key",
		"SELECT sealed, protection FROM own_keys WHERE public_key = $1", 1, false },
	[FIND_PLACES] = { "find_places",
		"SELECT area FROM placements WHERE sha256 = $1", 1, false },
	[FIND_IN_USE] = { "find_in_use",
		"SELECT c.der, c.sha256, p.source FROM addresses a JOIN certificates c ON c.sha256 = a.sha256"
		" JOIN placements p ON p.sha256 = c.sha256 WHERE a.address = $1 AND p.area IN ('public', 'trusted')"
		" ORDER BY " AREA_ORDER " DESC, c.not_before DESC LIMIT 64", 1, false },
	[GET_CAPABILITIES] = { "get_capabilities",
		"SELECT said FROM capabilities WHERE address = $1", 1, false },
	[ADD_CERTIFICATE] = { "add_certificate",
		"INSERT INTO certificates"
		" (sha256, der, issuer_serial, key_id, subject, public_key, not_before, not_after, added)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (sha256) DO NOTHING", 9, false },
	[ADD_ADDRESS] = { "add_address",
		"INSERT INTO addresses (address, sha256) VALUES ($1, $2) ON CONFLICT (address, sha256) DO NOTHING", 2, false },
	[ADD_PLACE] = { "add_place",
		"INSERT INTO placements (sha256, area, source, added) VALUES ($1, $2, $3, $4)"
		" ON CONFLICT (sha256, area) DO NOTHING", 4, false },
	[ADD_CONFLICT] = { "add_conflict",
		"INSERT INTO conflicts (address, sha256, other, noticed) VALUES ($1, $2, $3, $4)"
		" ON CONFLICT (address, sha256) DO NOTHING", 4, false },
	[ADD_CAPABILITIES] = { "add_capabilities",
		"INSERT INTO capabilities (address, said, der) VALUES ($1, $2, $3)"
		" ON CONFLICT (address) DO UPDATE SET said = excluded.said, der = excluded.der"
		" WHERE capabilities.said <= excluded.said", 3, false },
	[ADD_KEY] = { "add_key",
		"INSERT INTO own_keys (public_key, sealed, protection, purpose, source, added) VALUES ($1, $2, $3, $4, $5, $6)"
		" ON CONFLICT (public_key) DO UPDATE SET sealed = excluded.sealed, protection = excluded.protection,"
		" purpose = excluded.purpose, source = excluded.source, added = excluded.added", 6, false },
	[LIST_ALL] = { "list_all",
		"SELECT p.area, c.sha256, c.not_before, c.not_after, p.source, COALESCE(a.address, ''),"
		" COALESCE(o.protection, ''), COALESCE(o.purpose, ''), COALESCE(x.other, '')"
		" FROM placements p JOIN certificates c ON c.sha256 = p.sha256 LEFT JOIN addresses a ON a.sha256 = c.sha256"
		" LEFT JOIN own_keys o ON o.public_key = c.public_key AND p.area = 'private'"
		" LEFT JOIN conflicts x ON x.sha256 = c.sha256 AND x.address = a.address AND p.area = 'seen'"
		" WHERE p.area LIKE $1 ORDER BY p.area, p.sha256, a.address", 1, true },
	[LIST_KEYS] = { "list_keys",
		"SELECT public_key, sealed, protection, source FROM own_keys ORDER BY public_key", 0, true },
	[FIND_OWNERS] = { "find_owners",
		"SELECT c.der, c.sha256 FROM certificates c JOIN placements p ON p.sha256 = c.sha256"
		" WHERE c.public_key = $1 AND p.area = 'private' LIMIT 64", 1, false },
	[LIST_OWN] = { "list_own",
		"SELECT c.der, c.sha256, p.source, o.purpose FROM own_keys o JOIN certificates c ON c.public_key = o.public_key"
		" JOIN placements p ON p.sha256 = c.sha256 WHERE p.area = 'private' AND c.sha256 > $1 ORDER BY c.sha256 LIMIT 100", 1, false },
	[COUNT_AREAS] = { "count_areas",
		"SELECT area, CAST(COUNT(*) AS TEXT) FROM placements GROUP BY area ORDER BY area", 0, false },
	[LIST_ROWS] = { "list_rows",
		"SELECT c.sha256, c.der, c.issuer_serial, c.key_id, c.subject, c.public_key, COALESCE(a.address, '')"
		" FROM certificates c LEFT JOIN addresses a ON a.sha256 = c.sha256 ORDER BY c.sha256, a.address", 0, true },
};
