// What `bundle verify` found, for a person or for a script.
import type { PolicyBundleDocument } from '../../../adapters/policy/source/policy-bundle-document.ts';
import type { PinnedKeys } from '../../../adapters/policy/bundle/pinned-keys.ts';
import type { SignatureVerdict } from '../../../adapters/policy/bundle/verify-signatures.ts';
import type { Problem } from '../../../domain/text/position.ts';
import { EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { endWithProblems } from '../../inputs/bundle-files.ts';

export interface Verification {
  readonly file: string;
  readonly document: PolicyBundleDocument;
  readonly verdict: SignatureVerdict;
  /** Of signatures, audience and times; none: a server would take the bundle up. */
  readonly problems: readonly Problem[];
  readonly keys: PinnedKeys;
  readonly pastSoftExpiry: boolean;
}

/** One shape for both verdicts, so that a script need not ask which it is. */
export function verificationAsJson({ file, document, verdict, problems, keys, pastSoftExpiry }: Verification): object {
  const { document: bundle, digest } = document;
  return {
    file,
    verdict: problems.length === 0 ? 'good' : 'refused',
    name: bundle.name,
    sequence: bundle.sequence,
    digest: `sha256:${digest}`,
    threshold: keys.threshold,
    signedBy: verdict.signedBy.map((keyId) => ({ keyId, key: keys.keys.get(keyId)?.place })),
    ignored: verdict.unknown,
    pastSoftExpiry,
    problems: problems.map(({ position, path, problem }) => ({ ...position, path, problem })),
  };
}

/** Ends with 77 when the bundle is refused. */
export function printVerification(verification: Verification, invocation: Invocation): void {
  const { file, document, verdict, problems, keys, pastSoftExpiry } = verification;
  const { name, sequence, validity } = document.document;
  if (problems.length > 0) {
    endWithProblems(`${file} (${name}@${sequence}) is refused`, problems, EXIT.refused, invocation);
    return;
  }
  const { terminal } = invocation;
  terminal.print(`${file} is good: ${name}@${sequence}, sha256:${document.digest}`);
  for (const keyId of verdict.signedBy) {
    terminal.print(`  signed by  ${keys.keys.get(keyId)?.place ?? ''} (${keyId})`);
  }
  for (const keyId of verdict.unknown) terminal.print(`  ignored    ${keyId}, which is not among the keys`);
  if (pastSoftExpiry) terminal.complain(`${file} is past its soft expiry, ${formatTime(validity.softExpiryMs)}`);
}
