// Whether the files of a data directory are whole and belong together. A file that was cut short or
// mixed up with another directory's is named before the server starts with it.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readCaCertificate, type CaCertificate } from '../../domain/x509/ca-certificate.ts';
import { Issuer } from '../../domain/x509/issuer.ts';
import { decodePemBlocks } from '../../domain/x509/pem.ts';
import { DEV_FILES, type DevFile } from './dev-names.ts';

export interface DevFileProblem {
  readonly file: DevFile;
  readonly problem: string;
}

/** @param texts `undefined` for a file that is not there. @returns the first problem, if there is one. */
export function devDataProblem(
  texts: Readonly<Record<DevFile, string | undefined>>,
  nowMs: number,
): DevFileProblem | undefined {
  return absentFile(texts) ?? authorityProblem(texts, nowMs) ?? tokenProblem(texts);
}

type Texts = Readonly<Record<DevFile, string | undefined>>;

/** The policy's content is judged where it is loaded, with line and column. */
function absentFile(texts: Texts): DevFileProblem | undefined {
  for (const file of Object.keys(DEV_FILES) as DevFile[]) {
    const text = texts[file];
    if (text === undefined) return { file, problem: 'is missing' };
    if (text.trim() === '') return { file, problem: 'is empty' };
  }
  return undefined;
}

function authorityProblem(texts: Texts, nowMs: number): DevFileProblem | undefined {
  const anchors = readAnchors(texts.anchors ?? '');
  if ('problem' in anchors) return { file: 'anchors', ...anchors };
  if (!anchors.some(({ x509 }) => isKeyOf(texts.rootKey, x509.publicKey))) {
    return { file: 'rootKey', problem: `is not the key of ${DEV_FILES.anchors}` };
  }
  const issuer = Issuer.fromPem(texts.chain ?? '', anchors, { nowMs, names: [] });
  if ('problem' in issuer) return { file: issuer.of, problem: issuer.problem };
  return isKeyOf(texts.issuerKey, issuer.publicKey)
    ? undefined
    : { file: 'issuerKey', problem: `is not the key of ${DEV_FILES.chain}` };
}

function tokenProblem(texts: Texts): DevFileProblem | undefined {
  const keys = readJwks(texts.tokenIssuerKeys ?? '');
  if (keys === undefined) return { file: 'tokenIssuerKeys', problem: 'is not a JSON Web Key Set' };
  return keys.some((key) => isKeyOf(texts.tokenIssuerKey, key))
    ? undefined
    : { file: 'tokenIssuerKey', problem: `is not a key of ${DEV_FILES.tokenIssuerKeys}` };
}

function readAnchors(pem: string): readonly CaCertificate[] | { readonly problem: string } {
  const blocks = decodePemBlocks(pem, 'CERTIFICATE');
  if ('problem' in blocks) return blocks;
  const anchors: CaCertificate[] = [];
  for (const block of blocks) {
    const anchor = readCaCertificate(block);
    if ('problem' in anchor) return anchor;
    anchors.push(anchor);
  }
  return anchors;
}

/** @returns the public keys, or `undefined` when the text is no key set. */
function readJwks(text: string): readonly KeyObject[] | undefined {
  try {
    const { keys } = JSON.parse(text) as { readonly keys: readonly Record<string, string>[] };
    return keys.map((key) => createPublicKey({ key, format: 'jwk' }));
  } catch {
    return undefined;
  }
}

function isKeyOf(privatePem: string | undefined, publicKey: KeyObject): boolean {
  try {
    return createPublicKey(createPrivateKey(privatePem ?? '')).equals(publicKey);
  } catch {
    return false;
  }
}
