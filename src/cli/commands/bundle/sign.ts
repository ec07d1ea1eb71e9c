// One holder's signature, added to those of the others.
import path from 'node:path';
import {
  writeSignatureFile,
  type SignatureFile,
  type WrittenSignature,
} from '../../../adapters/policy/bundle/signature-file.ts';
import { fits, type SignedContent } from '../../../adapters/policy/bundle/verify-signatures.ts';
import { readPolicyBundleSigningKey, type PolicyBundleSigningKey } from '../../../domain/policy/bundle/bundle-key.ts';
import { signBundle } from '../../../domain/policy/bundle/bundle-signature.ts';
import { formatQuantity } from '../../../domain/text/format-count.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import { readInput, writeTogether } from '../../inputs/files.ts';
import type { Invocation } from '../../invocation.ts';
import type { Terminal } from '../../terminal.ts';
import { readBundle, readSignaturesIfAny, signaturePlace } from '../../inputs/bundle-files.ts';
import { demandFolderOf } from '../../inputs/output-folder.ts';

export interface SignOptions {
  readonly key: string;
  readonly out?: string;
}

/** Keys come from many tools, encrypted, as SEC1 or RSA: one sentence serves all who brought another. */
const NEEDED_KEY = 'a private key in PKCS#8, unencrypted, Ed25519 or P-256 is needed';

/** @throws CommandError 66 for a file that cannot be read, 65 for a key that is none, 73 when nothing can be written. */
export async function signBundleFile(file: string, options: SignOptions, invocation: Invocation): Promise<void> {
  const { terminal } = invocation;
  const out = options.out ?? signaturePlace(file);
  await demandFolderOf(out);
  const parsed = await readBundle(file, invocation);
  if (parsed === undefined) return;
  const key = await readSigningKey(options.key);
  const before = await readSignaturesIfAny(out, invocation);
  if (before === undefined) return;
  const others = signaturesOfOthers(before, parsed, key, terminal);
  const own = { keyId: key.keyId, algorithm: key.algorithm, signature: signBundle(parsed.canonical, key) };
  const text = writeSignatureFile({ digest: parsed.digest, signatures: [...others, own] });
  await writeTogether(path.dirname(out), [{ name: path.basename(out), text, mode: 0o644 }]);
  terminal.print(`${parsed.document.name}@${parsed.document.sequence}  sha256:${parsed.digest}`);
  terminal.print(`signed by   ${key.keyId}`);
  terminal.print(`written to  ${out}, which holds ${formatQuantity(others.length + 1, 'signature')}`);
}

async function readSigningKey(file: string): Promise<PolicyBundleSigningKey> {
  const key = readPolicyBundleSigningKey(await readInput(file));
  if ('problem' in key) throw new CommandError(EXIT.data, `${file} ${key.problem}; ${NEEDED_KEY}`);
  return key;
}

/** Signatures of another content can never count again; keeping them would only make the file be refused. */
function signaturesOfOthers(
  before: SignatureFile | 'none',
  content: SignedContent,
  { keyId }: PolicyBundleSigningKey,
  terminal: Terminal,
): readonly WrittenSignature[] {
  if (before === 'none') return [];
  if (fits(content, before)) return before.signatures.filter((one) => one.keyId !== keyId);
  const count = before.signatures.length;
  terminal.complain(
    `the bundle has changed: ${formatQuantity(count, 'signature')} in ${before.place} ${count === 1 ? 'is' : 'are'} void`,
  );
  return [];
}
