// `<bundle>.sig`: the signatures of a policy bundle, detached from it. The file is strict JSON in one
// spelling, white space apart: nothing unknown, nothing twice, keys in order.
import { z } from 'zod';
import { BUNDLE_ALGORITHMS, type PolicyBundleAlgorithm } from '../../../domain/policy/bundle/bundle-key.ts';
import { compareText } from '../../../domain/text/compare-text.ts';
import type { Problem } from '../../../domain/text/position.ts';
import { parseJson } from '../../../domain/text/parse-json.ts';

export interface WrittenSignature {
  /** `sha256:` and 64 hex digits. */
  readonly keyId: string;
  readonly algorithm: PolicyBundleAlgorithm;
  readonly signature: Uint8Array;
}

export interface SignatureFile {
  /** What an operator calls the file. */
  readonly place: string;
  /** Hex SHA-256 of the bundle's canonical bytes, as the file claims. */
  readonly digest: string;
  /** Sorted by key id, each key once. */
  readonly signatures: readonly WrittenSignature[];
}

/** Far more than the holders of any organisation. */
const MAX_SIGNATURES = 32;
const MAX_CHARACTERS = 64 * 1024;

const sha256 = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 lower-case hex digits');

const schema = z.strictObject({
  apiVersion: z.literal('capstan.dev/v1alpha1'),
  kind: z.literal('PolicyBundleSignature'),
  digest: sha256,
  signatures: z
    .array(z.strictObject({ keyId: sha256, algorithm: z.enum(BUNDLE_ALGORITHMS), signature: z.string() }))
    .min(1, 'must hold one signature')
    .max(MAX_SIGNATURES, `must hold at most ${MAX_SIGNATURES} signatures`),
});

type Written = z.infer<typeof schema>;

/** @returns the signatures, none of them verified, or everything that is wrong with the file. Never throws. */
export function parseSignatureFile(
  text: string,
  place: string,
): SignatureFile | { readonly problems: readonly Problem[] } {
  const complain = (path: string, problem: string): Problem => ({
    position: { place, line: 1, column: 1 },
    path,
    problem,
  });
  if (text.length > MAX_CHARACTERS) return { problems: [complain('', `is larger than ${MAX_CHARACTERS} characters`)] };
  const data = parseJson(text);
  if (data === undefined) return { problems: [complain('', 'is not JSON')] };
  const parsed = schema.safeParse(data);
  if (!parsed.success) {
    return { problems: parsed.error.issues.map(({ path, message }) => complain(path.join('.'), message)) };
  }
  const problems = [...spellingProblems(text, parsed.data), ...orderProblems(parsed.data)];
  if (problems.length > 0) return { problems: problems.map(([path, problem]) => complain(path, problem)) };
  const signatures = parsed.data.signatures.map((one) => ({ ...one, signature: Buffer.from(one.signature, 'base64') }));
  return { place, digest: hexOf(parsed.data.digest), signatures };
}

/** @returns the file's text, keys in order. */
export function writeSignatureFile({ digest, signatures }: Omit<SignatureFile, 'place'>): string {
  const written: Written = {
    apiVersion: 'capstan.dev/v1alpha1',
    kind: 'PolicyBundleSignature',
    digest: `sha256:${digest}`,
    signatures: [...signatures]
      .sort((a, b) => compareText(a.keyId, b.keyId))
      .map(({ keyId, algorithm, signature }) => ({ keyId, algorithm, signature: base64(signature) })),
  };
  return `${JSON.stringify(written, undefined, 2)}\n`;
}

type Found = readonly [path: string, problem: string];

/** A member that stands twice or is escaped without need does not come back when it is written again. */
function spellingProblems(text: string, written: Written): readonly Found[] {
  const bare = text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1');
  const asWritten = JSON.stringify(JSON.parse(text));
  const whole: readonly Found[] =
    bare === asWritten ? [] : [['', 'has a member twice, or text that is escaped without need']];
  const parts = written.signatures.flatMap(({ signature, keyId }, index): readonly Found[] =>
    signature !== '' && base64(Buffer.from(signature, 'base64')) === signature
      ? []
      : [[`signatures.${index}.signature`, `of ${keyId} is not base64 in its one spelling`]],
  );
  return [...whole, ...parts];
}

function orderProblems({ signatures }: Written): readonly Found[] {
  return signatures.flatMap(({ keyId }, index): readonly Found[] => {
    const before = signatures[index - 1]?.keyId ?? '';
    if (signatures.findIndex((other) => other.keyId === keyId) < index) {
      return [[`signatures.${index}.keyId`, `${keyId} has signed already`]];
    }
    return before > keyId ? [[`signatures.${index}.keyId`, `${keyId} must stand before ${before}`]] : [];
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function hexOf(digest: string): string {
  return digest.slice('sha256:'.length);
}
