// Everything that a CA on a laptop needs, in one directory: a throwaway corporate root, an intermediate
// under it, a token issuer and a first policy. Made whole or not at all; what exists is never
// overwritten, because the next start would silently be another CA.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AuthorityError } from '../../domain/errors.ts';
import { createIntermediate, createRoot } from './bootstrap-authority.ts';

/** Files of the directory, by what they are. */
const FILES = {
  anchors: 'root-cert.pem',
  rootKey: 'root-key.pem',
  chain: 'issuer-chain.pem',
  issuerKey: 'issuer-key.pem',
  tokenIssuerKey: 'token-issuer-key.pem',
  tokenIssuerKeys: 'token-issuer-jwks.json',
  policy: 'policy.yaml',
} as const;

export interface DevDataDirectory {
  readonly files: Readonly<Record<keyof typeof FILES, string>>;
  readonly journal: string;
  /** Where SDS sockets may be asked for: `<sockets>/<namespace>/<service account>/`. */
  readonly sockets: string;
  readonly created: boolean;
}

const DAY_MS = 86_400_000;
const ROOT_LIFETIME_MS = 3650 * DAY_MS;
const ISSUER_LIFETIME_MS = 365 * DAY_MS;

const POLICY = `# Who may have an identity. Edits apply at once; a broken edit changes nothing.
apiVersion: capstan.dev/v1alpha1
kind: NamespacePolicy
rules:
  - namespaces: [default, "team-*"]
    maxTtl: 24h
`;

/** @throws AuthorityError CAP-X03 naming a file that is missing or empty, with what to do. */
export async function openDevDataDirectory(root: string, nowMs: number): Promise<DevDataDirectory> {
  const directory = path.resolve(root);
  const created = !(await holdsAnything(directory));
  if (created) await create(directory, nowMs);
  const files = Object.fromEntries(
    Object.entries(FILES).map(([key, name]) => [key, path.join(directory, name)]),
  ) as Record<keyof typeof FILES, string>;
  for (const file of Object.values(files)) await demandContent(file, directory);
  return { files, journal: path.join(directory, 'journal.db'), sockets: path.join(directory, 'sds'), created };
}

/** Built beside its place and moved there in one step, so that a half-written directory is never found. */
async function create(directory: string, nowMs: number): Promise<void> {
  const building = `${directory}.${randomUUID().slice(0, 8)}`;
  try {
    await mkdir(path.join(building, 'sds'), { recursive: true, mode: 0o700 });
    await chmod(building, 0o700);
    for (const [name, { text, mode }] of Object.entries(await contents(nowMs))) {
      await writeFile(path.join(building, name), text, { mode, flag: 'wx', flush: true });
    }
    await rename(building, directory);
  } catch (cause) {
    await rm(building, { recursive: true, force: true });
    // Another start was faster: its directory is as good as ours.
    if (await holdsAnything(directory)) return;
    const why = cause instanceof Error ? cause.message : 'unknown failure';
    throw new AuthorityError('CAP-X03', { detail: `the data directory ${directory} cannot be made: ${why}`, cause });
  }
}

async function contents(nowMs: number): Promise<Record<string, { text: string; mode: number }>> {
  const root = await createRoot({ name: 'Throwaway Corporate Root', nowMs, lifetimeMs: ROOT_LIFETIME_MS });
  const lifetimeMs = ISSUER_LIFETIME_MS;
  const issuer = await createIntermediate(root, { name: 'Capstan Dev Issuer', nowMs, lifetimeMs });
  const token = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...token.publicKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'ES256', use: 'sig' };
  return {
    [FILES.anchors]: { text: root.certificatePem, mode: 0o644 },
    [FILES.rootKey]: { text: root.keyPem, mode: 0o600 },
    [FILES.chain]: { text: issuer.certificatePem, mode: 0o644 },
    [FILES.issuerKey]: { text: issuer.keyPem, mode: 0o600 },
    [FILES.tokenIssuerKey]: { text: token.privateKey.export({ format: 'pem', type: 'pkcs8' }), mode: 0o600 },
    [FILES.tokenIssuerKeys]: { text: `${JSON.stringify({ keys: [jwk] }, null, 2)}\n`, mode: 0o644 },
    [FILES.policy]: { text: POLICY, mode: 0o644 },
  };
}

async function demandContent(file: string, directory: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text.trim() !== '') return;
  throw new AuthorityError('CAP-X03', {
    detail: `${file} is missing or empty; restore it, or remove ${directory} to start over with a new throwaway root`,
  });
}

async function holdsAnything(directory: string): Promise<boolean> {
  const entries = await readdir(directory).catch(() => []);
  return entries.length > 0;
}
