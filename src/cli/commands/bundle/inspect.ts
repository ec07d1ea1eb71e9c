// A bundle in words or as data: what it is, for whom, until when, what its rules allow, and who signed it.
import type { PolicyBundleDocument } from '../../../adapters/policy/source/policy-bundle-document.ts';
import type { PinnedKey } from '../../../adapters/policy/bundle/pinned-keys.ts';
import type { SignatureFile } from '../../../adapters/policy/bundle/signature-file.ts';
import { fits, judgeSignature } from '../../../adapters/policy/bundle/verify-signatures.ts';
import type { Invocation, OutputFormat } from '../../invocation.ts';
import { readBundle, readSignatures, readSignaturesIfAny, signaturePlace } from '../../inputs/bundle-files.ts';
import { bundleAsJson, printBundle, type InspectedSignature } from '../../reports/bundle/bundle.ts';
import { readKeys } from '../../inputs/read-keys.ts';

export interface InspectOptions {
  readonly key?: readonly string[];
  readonly signature?: string;
  readonly output: OutputFormat;
}

/** Judges nothing: that is for `verify`. @throws CommandError 66 for a file that cannot be read, 65 for a key that is none. */
export async function inspectBundleFile(file: string, options: InspectOptions, invocation: Invocation): Promise<void> {
  const { terminal, clock } = invocation;
  const keys = options.key === undefined ? new Map<string, PinnedKey>() : (await readKeys(options.key, 1)).keys;
  const document = await readBundle(file, invocation);
  const signatures =
    options.signature === undefined
      ? await readSignaturesIfAny(signaturePlace(file), invocation)
      : await readSignatures(options.signature, invocation);
  if (document === undefined || signatures === undefined) return;
  const inspected = { document, signatures: signatures === 'none' ? [] : inspect(document, signatures, keys) };
  if (options.output === 'json') terminal.printJson({ file, ...bundleAsJson(inspected) });
  else printBundle(inspected, terminal, clock.nowMs());
}

function inspect(
  parsed: PolicyBundleDocument,
  file: SignatureFile,
  keys: ReadonlyMap<string, PinnedKey>,
): readonly InspectedSignature[] {
  return file.signatures.map((one) => {
    const { keyId, algorithm } = one;
    if (!fits(parsed, file)) return { keyId, algorithm, verdict: 'is of another bundle' };
    const { by, problem } = judgeSignature(parsed, one, { keys });
    if (by === undefined) return { keyId, algorithm, verdict: 'was not tried: its key was not given' };
    return { keyId, algorithm, key: by.place, verdict: problem ?? 'holds' };
  });
}
