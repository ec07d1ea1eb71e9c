// Whether a server that pins these keys would take a bundle up: its signatures, its audience, its times.
import { acceptanceProblem, isExpired } from '../../../adapters/policy/bundle/accept-bundle.ts';
import type { PolicyBundleDocument } from '../../../adapters/policy/source/policy-bundle-document.ts';
import { verifySignatures } from '../../../adapters/policy/bundle/verify-signatures.ts';
import type { Problem } from '../../../domain/text/position.ts';
import { EXIT } from '../../exit-codes.ts';
import type { Invocation, OutputFormat } from '../../invocation.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { readBundle, readSignatures, signaturePlace } from '../../inputs/bundle-files.ts';
import { readKeys } from '../../inputs/read-keys.ts';
import { printVerification, verificationAsJson } from '../../reports/bundle/verification.ts';

export interface VerifyOptions {
  readonly key: readonly string[];
  readonly threshold: number;
  readonly signature?: string;
  readonly cluster?: string;
  /** Milliseconds since the epoch. */
  readonly now?: number;
  readonly output: OutputFormat;
}

/** Ends with 77 when the bundle is refused. @throws CommandError 66 for a file that cannot be read, 65 for a key that is none. */
export async function verifyBundleFile(file: string, options: VerifyOptions, invocation: Invocation): Promise<void> {
  const { terminal, clock } = invocation;
  const keys = await readKeys(options.key, options.threshold);
  const document = await readBundle(file, invocation);
  const signatures = await readSignatures(options.signature ?? signaturePlace(file), invocation);
  if (document === undefined || signatures === undefined) return;
  const nowMs = options.now ?? clock.nowMs();
  const verdict = verifySignatures(document, signatures, keys);
  const problems = [...verdict.problems, ...acceptanceProblems(document, options.cluster, nowMs)];
  const verified = { file, document, verdict, problems, keys, pastSoftExpiry: isPastSoftExpiry(document, nowMs) };
  if (options.output === 'json') {
    terminal.printJson(verificationAsJson(verified));
    if (problems.length > 0) invocation.endWith(EXIT.refused);
  } else printVerification(verified, invocation);
}

function isPastSoftExpiry({ document }: PolicyBundleDocument, nowMs: number): boolean {
  return nowMs >= document.validity.softExpiryMs;
}

/** A server loads an expired bundle when it has nothing better; for who signs and delivers one, expiry is a problem. */
function acceptanceProblems(
  { document: bundle, digest, locate }: PolicyBundleDocument,
  clusterId: string | undefined,
  nowMs: number,
): readonly Problem[] {
  const candidate = { bundle, digest, locate };
  const context = { nowMs, statePlace: '', ...(clusterId !== undefined && { clusterId }) };
  const found = acceptanceProblem(candidate, context);
  const path = ['validity', 'hardExpiry'];
  const expired = isExpired(bundle, nowMs)
    ? [{ position: locate(path), path: path.join('.'), problem: `has passed; it is ${formatTime(nowMs)}` }]
    : [];
  return [...(found === undefined ? [] : [found]), ...expired];
}
