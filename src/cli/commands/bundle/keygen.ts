// A key pair for one who may sign the policy bundle. What exists is never overwritten: the key that signed
// yesterday's bundle is the one thing that nobody can make again.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { readPolicyBundleKey } from '../../../domain/policy/bundle/bundle-key.ts';
import { codeOf, writingProblem } from '../../../domain/text/system-error.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { demandFolderOf } from '../../inputs/output-folder.ts';

export interface KeygenOptions {
  readonly out: string;
  readonly algorithm: 'ed25519' | 'ecdsa-p256';
}

const GENERATE: Readonly<Record<KeygenOptions['algorithm'], () => { publicKey: KeyObject; privateKey: KeyObject }>> = {
  ed25519: () => generateKeyPairSync('ed25519'),
  'ecdsa-p256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
};

/** @throws CommandError 73 when a file is there already or cannot be written; then neither is. */
export async function keygen(
  { out, algorithm }: KeygenOptions,
  { terminal }: Pick<Invocation, 'terminal'>,
): Promise<void> {
  await demandFolderOf(out);
  const { publicKey, privateKey } = GENERATE[algorithm]();
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' });
  const key = readPolicyBundleKey(publicPem);
  if ('problem' in key) throw new Error(`the new key ${key.problem}`);
  const [keyFile, publicFile] = [`${out}.key`, `${out}.pub`];
  await create(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
  try {
    await create(publicFile, publicPem, 0o644);
  } catch (cause) {
    await rm(keyFile, { force: true });
    throw cause;
  }
  terminal.print(`private key  ${keyFile}: who has it can sign, so keep it`);
  terminal.print(`public key   ${publicFile}: pin it on every server, in policy.bundle.keys`);
  terminal.print(`key id       ${key.keyId}`);
}

async function create(file: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(file, text, { mode, flag: 'wx', flush: true });
  } catch (cause) {
    const exists = codeOf(cause) === 'EEXIST';
    const why = exists ? 'it exists, and keys are never overwritten' : `it ${writingProblem(cause)}`;
    throw new CommandError(EXIT.cannotCreate, `cannot write ${file}: ${why}`, { cause });
  }
}
