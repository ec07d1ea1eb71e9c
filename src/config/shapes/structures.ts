// The keys whose values have parts of their own: who may issue tokens, and sockets for Envoy.
import { z } from 'zod';
import { TOKEN_ALGORITHMS } from '../../domain/identity/token-algorithms.ts';
import { dnsLabel, duration, fields, filePath, httpUrl, listOf, parsed, trustDomain, type Shape } from './shapes.ts';

/** Longest path that fits a `sockaddr_un` with its closing zero (Linux unix(7)). */
const MAX_SOCKET_PATH_BYTES = 107;

/** More workloads than one node carries. */
export const MAX_SOCKETS = 1_000;

/** Where the keys of a token issuer come from. */
export type TokenKeys =
  | { readonly from: 'discovery' }
  | { readonly from: 'url'; readonly url: string }
  | { readonly from: 'file'; readonly file: string };

/** Short names that policies use: of clusters and of issuers. */
export const clusterId = parsed<string>('a name', (text) =>
  /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(text)
    ? text
    : { problem: 'must be 1 to 63 letters, digits, dots, dashes and underscores' },
);

const LABELS_WORDS = 'labels: text by name, at most 64';
export const labels: Shape<Readonly<Record<string, string>>> = {
  words: LABELS_WORDS,
  form: 'structured',
  schema: z
    .record(z.string().min(1).max(316), z.string('must be text; write numbers and truth values in quotes').max(63), {
      error: `must be ${LABELS_WORDS}`,
    })
    .refine((entries) => Object.keys(entries).length <= 64, 'must be at most 64'),
};

const someText = parsed<string>('a name', (text) => (text === '' ? { problem: 'must not be empty' } : text));

const KEYS_WORDS = 'one of `{ discovery: true }`, `{ url: … }` or `{ file: … }`';
const keyFields = fields(KEYS_WORDS, {
  discovery: z.literal(true, { error: 'must be true, or absent' }).optional(),
  url: httpUrl.schema.optional(),
  file: filePath.schema.optional(),
});
const tokenKeys = keyFields.schema.transform(({ url, file, ...rest }, context): TokenKeys => {
  const found: readonly TokenKeys[] = [
    ...(rest.discovery === true ? [{ from: 'discovery' } as const] : []),
    ...(url === undefined ? [] : [{ from: 'url', url } as const]),
    ...(file === undefined ? [] : [{ from: 'file', file } as const]),
  ];
  const [only, another] = found;
  if (only !== undefined && another === undefined) return only;
  context.addIssue(`must be ${KEYS_WORDS}`.replaceAll('`', ''));
  return z.NEVER;
});

const audiences = listOf(someText, 16);
/** At least one: a token for nobody in particular is for everybody. */
export const tokenAudiences: Shape<readonly string[]> = {
  ...audiences,
  schema: audiences.schema.refine((list) => list.length > 0, 'must name one'),
};

export const tokenIssuer = fields('a token issuer: `issuer`, `audiences`, `keys`, `algorithms`, `clockSkew`', {
  /** Exactly the `iss` claim. */
  issuer: someText.schema,
  audiences: tokenAudiences.schema.default(['istio-ca']),
  keys: tokenKeys,
  algorithms: z
    .array(z.enum(TOKEN_ALGORITHMS, { error: `must be one of ${TOKEN_ALGORITHMS.join(' ')}` }), 'must be a list')
    .min(1, 'must name one')
    .readonly()
    .default(['RS256', 'ES256']),
  clockSkew: duration('0s', '5m').schema.default(30_000),
});

/** More trust domains than a mesh federates with; each anchor of each goes to every proxy. */
export const MAX_FEDERATED = 16;

export const federatedDomain = fields('a trust domain: `trustDomain`, `file`', {
  trustDomain: trustDomain.schema,
  file: filePath.schema,
});

/** More registration authorities than a cluster has. */
export const MAX_REQUESTERS = 16;

export interface SigningRequester {
  /** As the API server calls it. */
  readonly username: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

export const signingRequester = parsed<SigningRequester>('`system:serviceaccount:<namespace>:<name>`', (text) => {
  const [, namespace, serviceAccount] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(text) ?? [];
  return namespace === undefined || serviceAccount === undefined
    ? { problem: 'must be system:serviceaccount:<namespace>:<name>' }
    : { username: text, namespace, serviceAccount };
});

/** More than a cluster has signers that this CA stands behind. */
export const MAX_TRUST_BUNDLES = 8;

/** `domain/path` (Kubernetes, certificate signing requests, signers). */
const signerName = parsed<string>('the name of a signer', (text) =>
  /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text) && text.length <= 200
    ? text
    : { problem: 'must be the name of a signer, such as capstan.dev/mesh' },
);

export const clusterTrustBundle = fields('a ClusterTrustBundle: `signerName`, `name`', {
  signerName: signerName.schema,
  name: dnsLabel.schema,
});

type SocketMode = 0o600 | 0o660;

const MODES: Readonly<Record<string, SocketMode>> = { '0600': 0o600, '600': 0o600, '0660': 0o660, '660': 0o660 };

/** A file mode. YAML reads a bare 0600 as a decimal number, so digits are taken as octal either way. */
export const socketMode: Shape<SocketMode> = {
  words: '`0600` or `0660`',
  form: 'text',
  schema: z.union([z.string(), z.number()], 'must be 0600 or 0660').transform((digits, context) => {
    const mode = MODES[digits];
    if (mode !== undefined) return mode;
    context.addIssue('must be 0600 or 0660');
    return z.NEVER;
  }),
};

const socketPath = parsed<string>('a path', (text) =>
  text === '' || Buffer.byteLength(text) > MAX_SOCKET_PATH_BYTES || text.includes('\0')
    ? { problem: `must be a path of 1 to ${MAX_SOCKET_PATH_BYTES} bytes` }
    : text,
);

export const sdsSocket = fields('a socket: `path`, `namespace`, `serviceAccount`, `mode`', {
  path: socketPath.schema,
  namespace: someText.schema,
  serviceAccount: someText.schema,
  mode: socketMode.schema.default(0o600),
});
