// Whether a server that pins these keys would take a bundle up: its signatures, its audience, its times.
import { admissionProblem, isExpired } from '../../adapters/policy/bundle/admit-bundle.ts';
import type { BundleDocument } from '../../adapters/policy/bundle/open-bundle.ts';
import type { PinnedKeys } from '../../adapters/policy/bundle/pinned-keys.ts';
import { verifySignatures, type SignatureVerdict } from '../../adapters/policy/bundle/verify-signatures.ts';
import type { Problem } from '../../domain/position.ts';
import { EXIT } from '../exit-codes.ts';
import type { Invocation } from '../invocation.ts';
import type { Terminal } from '../terminal.ts';
import { timeInWords } from '../time-words.ts';
import { endWithProblems, readBundle, readSignatures, signaturePlace } from './bundle-files.ts';
import { readKeys } from './read-keys.ts';

export interface VerifyOptions {
  readonly key: readonly string[];
  readonly threshold: number;
  readonly signature?: string;
  readonly cluster?: string;
  /** Milliseconds since the epoch. */
  readonly now?: number;
}

/** Ends with 77 when the bundle is refused. @throws CommandError 66 for a file that cannot be read, 65 for a key that is none. */
export async function verifyBundleFile(file: string, options: VerifyOptions, invocation: Invocation): Promise<void> {
  const { terminal, clock } = invocation;
  const keys = await readKeys(options.key, options.threshold);
  const document = await readBundle(file, invocation);
  const signatures = await readSignatures(options.signature ?? signaturePlace(file), invocation);
  if (document === undefined || signatures === undefined) return;
  const nowMs = options.now ?? clock.nowMs();
  const verdict = verifySignatures(document.parsed, signatures, keys);
  const problems = [...verdict.problems, ...admissionProblems(document, options.cluster, nowMs)];
  const { name, sequence } = document.bundle;
  if (problems.length > 0) {
    endWithProblems(`${file} (${name}@${sequence}) is refused`, problems, EXIT.refused, invocation);
    return;
  }
  terminal.print(`${file} is good: ${name}@${sequence}, sha256:${document.parsed.digest}`);
  printSignatures(verdict, keys, terminal);
  const { softExpiryMs } = document.bundle.validity;
  if (nowMs >= softExpiryMs) terminal.complain(`${file} is past its soft expiry, ${timeInWords(softExpiryMs)}`);
}

/** A server loads an expired bundle when it has nothing better; who signs and delivers one shall hear of it. */
function admissionProblems(
  { parsed, bundle }: BundleDocument,
  clusterId: string | undefined,
  nowMs: number,
): readonly Problem[] {
  const candidate = { bundle, digest: parsed.digest, locate: parsed.locate };
  const standing = { nowMs, memoryPlace: '', ...(clusterId !== undefined && { clusterId }) };
  const found = admissionProblem(candidate, standing);
  const path = ['validity', 'hardExpiry'];
  const expired = isExpired(bundle, nowMs)
    ? [{ position: parsed.locate(path), path: path.join('.'), problem: `has passed; it is ${timeInWords(nowMs)}` }]
    : [];
  return [...(found === undefined ? [] : [found]), ...expired];
}

function printSignatures({ signedBy, unknown }: SignatureVerdict, { keys }: PinnedKeys, terminal: Terminal): void {
  for (const keyId of signedBy) terminal.print(`  signed by  ${keys.get(keyId)?.place ?? ''} (${keyId})`);
  for (const keyId of unknown) terminal.print(`  ignored    ${keyId}, which is not among the keys`);
}
