// The reference page, from the schema: docs/configuration.md is this text and nothing else.
import { environmentName, flagName, isKey, type Key, type Section } from './key.ts';
import { RENAMED_KEYS } from './renamed-keys.ts';
import { schema } from './schema.ts';

const HEAD = `# Configuration

<!-- Made from src/config/schema.ts by \`capstan config docs\`. Change it there. -->

A key can be set in four places; the first of them that sets it wins:

1. a flag of \`capstan serve\`,
2. an environment variable,
3. the YAML file named by \`--config\`,
4. its default.

\`capstan config check\` reports everything that is wrong at once, each with its place; an unknown key or variable is an
error. \`capstan config show\` prints each value in force and where it was set. A change needs a restart; the files
that a _followed_ key names are read again as soon as they change. A key that was renamed is refused with its new name;
\`capstan config migrate\` rewrites an older file.

Durations are a whole number and one unit: \`30s\`, \`10m\`, \`1h\`, \`7d\`. In a variable or a flag, the members of a list
are separated by commas. Paths are relative to the working directory.
`;

/** @returns the whole page, Markdown as prettier leaves it. */
export function describeConfig(): string {
  const own = Object.entries(schema).flatMap(([name, node]) => (isKey(node) ? [describeKey(name, node)] : []));
  const sections = Object.entries(schema as Section).flatMap(([name, node]) =>
    isKey(node) ? [] : [`## ${name}\n`, ...describeSection(name, node)],
  );
  return [HEAD, ...own, ...sections, ISSUERS, ...renamed()].join('\n');
}

function describeSection(path: string, section: Section): readonly string[] {
  return Object.entries(section).flatMap(([name, node]) =>
    isKey(node) ? [describeKey(`${path}.${name}`, node)] : describeSection(`${path}.${name}`, node),
  );
}

function describeKey(path: string, key: Key<unknown>): string {
  const facts = [capital(key.shape.words), presence(key), ...traits(key), ...names(path, key)];
  return `### ${path}\n\n${key.sentence}\n\n${facts.map((fact) => `- ${fact}`).join('\n')}\n`;
}

function presence({ required, fallback }: Key<unknown>): string {
  if (required) return 'Required';
  return fallback === undefined ? 'Absent by default' : `Default \`${spelled(fallback)}\``;
}

function traits({ traits: { followed, secret } }: Key<unknown>): readonly string[] {
  return [...(followed === true ? ['Followed'] : []), ...(secret === true ? ['Never shown'] : [])];
}

function names(path: string, { shape, traits: { devOnly } }: Key<unknown>): readonly string[] {
  if (devOnly === true) return ['Set by `capstan serve --dev` alone'];
  if (shape.form === 'structured') return ['In the file only'];
  return [`\`${environmentName(path)}\`, \`${flagName(path)}\``];
}

function spelled(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function renamed(): readonly string[] {
  const rows = RENAMED_KEYS.map(({ old, now, since }) => `- \`${old}\` is \`${now}\` since ${since}`);
  return ['## Renamed keys\n', `${rows.join('\n')}\n`];
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const ISSUERS = `## A token issuer

Each entry of \`authentication.tokens.issuers\` has these fields:

- \`issuer\`: exactly the \`iss\` claim of its tokens. Required.
- \`audiences\`: one of them must be among the token's. Default \`[istio-ca]\`.
- \`keys\`: \`{ discovery: true }\` finds them by OpenID Connect discovery at the issuer, \`{ url: … }\` is a JWKS document,
  \`{ file: … }\` a JWKS file, which is followed. Required.
- \`algorithms\`: asymmetric JWS algorithms that are accepted. Default \`[RS256, ES256]\`.
- \`clockSkew\`: how far clocks may differ, at most \`5m\`. Default \`30s\`.

## An additional issuer

Each entry of \`additionalIssuers\` has these fields:

- \`name\`: what policies call it, other than \`issuer.name\`. Required.
- \`chainFile\`: PEM file with its certificate, then what stands between it and one of the trust anchors in force. Required unless \`directory\` or \`upstream\` is given.
- \`keyFile\`: PEM file with its private key; give it mode 0400. Required unless \`directory\`, \`pkcs11\`, \`transit\` or \`upstream\` is given.
- \`keyPassphraseFile\`, \`keyPassphraseEnv\`, \`directory\`, \`pkcs11\`, \`transit\`, \`upstream\`: as the keys of \`issuer\` that are called so; trust anchors in the folder are not looked at.
- \`maxTtl\`: the longest certificate that it signs, not shorter than \`lifetimes.min\`. Absent, \`lifetimes.max\`.

Its files are followed. While they are broken its last good state signs; without one, what policy sends to it is refused with
CAP-S01, the other issuers go on and \`/readyz\` is degraded.

## A key in a token

\`issuer.pkcs11\`, and the field of that name of an additional issuer, have these fields:

- \`module\`: path of the PKCS#11 library of the token. Required.
- \`tokenLabel\`, \`slot\`: the token, by its label or by the number of its slot; numbers of slots may change. One is required.
- \`keyLabel\`, \`keyId\`: the private key, by CKA_LABEL, by CKA_ID in hex, or by both. One is required.
- \`pinFile\`, \`pinEnv\`: file with the PIN of the user in its first line, of mode 0400, or the name of an environment variable with it. One is required.

[Custody](trust.md#in-a-pkcs11-token) says what such a key has to be, and what happens while the token is away.

## A key in a transit engine

\`issuer.transit\`, and the field of that name of an additional issuer, have these fields:

- \`key\`: the name of the key. Required.
- \`mount\`: where the engine is mounted. Default \`transit\`.
- the server and how it learns who asks, as below.

[Custody](trust.md#in-a-transit-engine) says what such a key has to be, and what happens while the server is away.

## A PKI engine above an issuer

\`vault\` of an upstream has these fields:

- \`mount\`: where the engine is mounted. Default \`pki\`.
- \`issuerRef\`: name or id of the issuer there that signs. Default: the default issuer of the mount.
- the server and how it learns who asks, as below.

## A server with the Vault API

Wherever an OpenBao or a Vault is asked, these fields say which one, and as whom:

- \`address\`: https URL of the server. Required.
- \`caFile\`: PEM file with the only authorities that its certificate may be of. Required.
- \`namespace\`: of the server, where it has some.
- \`tokenFile\`: file with a token in its first line, of mode 0400.
- \`appRole\`: \`{ roleId: …, secretIdFile: …, mount: approle }\`; the file has the secret ID in its first line and mode 0400.
- \`kubernetes\`: \`{ role: …, tokenFile: …, mount: kubernetes }\` logs in as the service account; \`tokenFile\` is by default where a pod finds its own token.

One of the last three is required. Files are read at each login. A token is renewed at half of its life, and where that is not possible any more another one takes its place.

## A federated trust domain

Each entry of \`trustAnchors.federated\` has these fields:

- \`trustDomain\`: its name. Required.
- \`file\`: PEM file with its trust anchors. While it cannot be read, its last good anchors stay in force; without any, that trust domain is left out. Required.

## A socket

Each entry of \`sds.sockets\` has these fields:

- \`path\`: where the socket is made, at most 107 bytes. Required.
- \`namespace\`, \`serviceAccount\`: the identity of the process that opens it. Required.
- \`mode\`: \`0600\`, or \`0660\` to share it with a group. Default \`0600\`.
`;
