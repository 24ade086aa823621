-- 001-certificates.sql - certificates, whom they serve, what partners can read
--
-- For SQLite (3.24 and later) and PostgreSQL (12 and later) alike.  Normally applied by
--   keys-sql -migrate -c /etc/postern/postern.conf
-- and by hand, each file in one transaction and in order, with
--   psql -v ON_ERROR_STOP=1 -1 -f 001-certificates.sql DATABASE
-- A file that has been published is never changed; what is new comes in a new file.
--
-- Times are UTC as in 2026-11-22T10:00:00Z, so that they sort as text.  Hashes, serial numbers and key identifiers are
-- hexadecimal, in lower case.  Nothing is ever NULL.

CREATE TABLE schema_versions (
	version INTEGER NOT NULL PRIMARY KEY,
	meaning TEXT NOT NULL,
	applied TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- What a certificate says.  All columns but the last follow from the first one that is not a hash: der.
CREATE TABLE certificates (
	sha256 TEXT NOT NULL PRIMARY KEY,  -- of der
	der BYTEA NOT NULL,
	issuer_serial TEXT NOT NULL,       -- hash of the issuer's name, a colon, the serial number
	key_id TEXT NOT NULL,              -- subject key identifier
	subject TEXT NOT NULL,             -- hash of the subject's name; that of an issuer is found by it
	public_key TEXT NOT NULL,          -- SHA-256 of the SubjectPublicKeyInfo
	not_before TEXT NOT NULL,
	not_after TEXT NOT NULL,
	added TEXT NOT NULL
);
CREATE INDEX certificates_issuer_serial ON certificates (issuer_serial);
CREATE INDEX certificates_key_id ON certificates (key_id);
CREATE INDEX certificates_subject ON certificates (subject);
CREATE INDEX certificates_public_key ON certificates (public_key);

-- In which areas it stands; an operator publishes one that came by mail by changing 'seen' to 'public'.
CREATE TABLE placements (
	sha256 TEXT NOT NULL REFERENCES certificates (sha256) ON DELETE CASCADE,
	area TEXT NOT NULL CHECK (area IN ('public', 'trusted', 'private', 'ca', 'seen')),
	source TEXT NOT NULL,              -- the file or the message it came with, for people
	added TEXT NOT NULL,
	PRIMARY KEY (sha256, area)
);
CREATE INDEX placements_area ON placements (area, sha256);

-- Whom it serves: local@domain, or @domain for everybody there, in lower case.
CREATE TABLE addresses (
	address TEXT NOT NULL,
	sha256 TEXT NOT NULL REFERENCES certificates (sha256) ON DELETE CASCADE,
	PRIMARY KEY (address, sha256)
);
CREATE INDEX addresses_sha256 ON addresses (sha256);

-- What the address said last to be able to read: SMIMECapabilities (RFC 8551 section 2.5.2), DER.
CREATE TABLE capabilities (
	address TEXT NOT NULL PRIMARY KEY,
	said TEXT NOT NULL,                -- when; an older message replaces nothing
	der BYTEA NOT NULL
);

-- Certificates that were to be published for an address which has another one: for the administrator to decide.
CREATE TABLE conflicts (
	address TEXT NOT NULL,
	sha256 TEXT NOT NULL REFERENCES certificates (sha256) ON DELETE CASCADE,
	other TEXT NOT NULL,               -- the certificate in use
	noticed TEXT NOT NULL,
	PRIMARY KEY (address, sha256)
);

INSERT INTO schema_versions (version, meaning) VALUES (1, 'certificates');
