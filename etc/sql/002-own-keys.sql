-- 002-own-keys.sql - our own private keys
--
-- See 001-certificates.sql for how to apply it and for the form of the values.

CREATE TABLE own_keys (
	public_key TEXT NOT NULL PRIMARY KEY, -- as in certificates: a renewed certificate may have the same key
	sealed TEXT NOT NULL,                 -- PKCS#8 in PEM: EncryptedPrivateKeyInfo, or PrivateKeyInfo where protection is 'none'
	protection TEXT NOT NULL CHECK (protection IN ('passphrase', 'key-file', 'none')),
	purpose TEXT NOT NULL DEFAULT 'any' CHECK (purpose IN ('any', 'decrypt')), -- decrypt: signs no more
	source TEXT NOT NULL,
	added TEXT NOT NULL
);

INSERT INTO schema_versions (version, meaning) VALUES (2, 'own keys');
