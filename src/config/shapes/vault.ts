// A server with the Vault API, which is Vault's and OpenBao's, and how it learns who we are: the same fields wherever one is asked.
import type { z } from 'zod';
import { fields, filePath, httpsUrl, name, parsed, type Shape } from './shapes.ts';

/** Where a pod finds the token of its service account. */
const POD_TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** As it stands in a URL: of each segment the characters that need no escape, and none that leads elsewhere. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,128}$/;

/** One word of a path of the API, such as the name of a key. */
export const vaultName = parsed<string>('a name of letters, digits, `-`, `_` and `.`', (text) =>
  SEGMENT.test(text) ? text : { problem: 'must be a name of letters, digits, dashes, underscores and dots' },
);

/** Where an engine or a way to log in is mounted. */
export const vaultMount = parsed<string>('a path such as `pki` or `mesh/pki`', (text) =>
  text.split('/').every((segment) => SEGMENT.test(segment))
    ? text
    : { problem: 'must be the path of a mount, such as pki or mesh/pki, without a slash at its ends' },
);

const mountOr = (mount: string) => vaultMount.schema.optional().transform((given) => given ?? mount);

const appRole = fields('a login by AppRole: `roleId`, `secretIdFile`, `mount`', {
  roleId: name.schema,
  secretIdFile: filePath.schema,
  mount: mountOr('approle'),
});

const kubernetes = fields('a login as a service account: `role`, `tokenFile`, `mount`', {
  role: name.schema,
  tokenFile: filePath.schema.optional().transform((file) => file ?? POD_TOKEN_FILE),
  mount: mountOr('kubernetes'),
});

/** Of the server and of who asks, to stand among other fields. */
export const VAULT_FIELDS = {
  address: httpsUrl.schema,
  caFile: filePath.schema,
  namespace: vaultMount.schema.optional(),
  tokenFile: filePath.schema.optional(),
  appRole: appRole.schema.optional(),
  kubernetes: kubernetes.schema.optional(),
} as const;

export type VaultPlace = z.output<z.ZodObject<typeof VAULT_FIELDS>>;

/** @returns whether exactly one of the ways to log in is given. */
export function hasOneLogin({ tokenFile, appRole: role, kubernetes: account }: VaultPlace): boolean {
  return [tokenFile, role, account].filter((way) => way !== undefined).length === 1;
}

export const ONE_LOGIN = 'must have one of `tokenFile`, `appRole` and `kubernetes`';

const transitFields = fields(
  'a key of a transit engine: `address`, `caFile`, `mount`, `key`, and `tokenFile`, `appRole` or `kubernetes`',
  { ...VAULT_FIELDS, mount: mountOr('transit'), key: vaultName.schema },
);

/** A private key in the transit engine. */
export type TransitPlace = z.output<typeof transitFields.schema>;

export const transitKey: Shape<TransitPlace> = {
  ...transitFields,
  schema: transitFields.schema.refine(hasOneLogin, { error: ONE_LOGIN }),
};

const pkiFields = fields('`address`, `caFile`, `mount`, `issuerRef`, and `tokenFile`, `appRole` or `kubernetes`', {
  ...VAULT_FIELDS,
  mount: mountOr('pki'),
  issuerRef: vaultName.schema.optional(),
});

/** A PKI engine that signs intermediates. */
export type PkiPlace = z.output<typeof pkiFields.schema>;

export const vaultPki: Shape<PkiPlace> = {
  ...pkiFields,
  schema: pkiFields.schema.refine(hasOneLogin, { error: ONE_LOGIN }),
};

/** The files that it needs, so that one that is not on this machine is known for that. */
export function filesOf({ caFile, tokenFile, appRole: role, kubernetes: account }: VaultPlace): readonly string[] {
  return [caFile, tokenFile, role?.secretIdFile, account?.tokenFile].flatMap((file) => file ?? []);
}
