// What `serve --dev` and the commands that talk to it agree on.

/** The `iss` of tokens that a data directory's own token issuer signs. Never resolves. */
export const DEV_TOKEN_ISSUER = 'https://capstan.invalid/dev';

/** Where dev mode keeps everything unless told otherwise. */
export const DEV_DATA_DIRECTORY = '.capstan';

/** Names of files in a data directory that the command line reads. */
export const DEV_FILES = {
  anchors: 'root-cert.pem',
  tokenIssuerKey: 'token-issuer-key.pem',
  tokenIssuerKeys: 'token-issuer-jwks.json',
  journal: 'journal.db',
} as const;
