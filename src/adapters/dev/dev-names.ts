// What is called how in a data directory of dev mode. The command line reads some of it by name too.

/** Files that a fresh directory is made of, by what they are. */
export const DEV_FILES = {
  anchors: 'root-cert.pem',
  rootKey: 'root-key.pem',
  chain: 'issuer-chain.pem',
  issuerKey: 'issuer-key.pem',
  tokenIssuerKey: 'token-issuer-key.pem',
  tokenIssuerKeys: 'token-issuer-jwks.json',
  bundle: 'bundle.yaml',
} as const;

export type DevFile = keyof typeof DEV_FILES;

/** What a server finds or makes there beside them. */
export const DEV_PLACES = {
  journal: 'journal.db',
  sockets: 'sds',
  policies: 'policies',
  manifests: 'manifests',
} as const;
