// A folder with an issuer in it, in the shapes that a mesh already has: Istio's Secret `cacerts`, and a Secret of the type
// kubernetes.io/tls as cert-manager makes it. What is found becomes the documents of an issuer.
import { AuthorityError } from '../../../domain/errors.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';

interface FolderShape {
  /** Read one after the other as one text: an issuer's own certificate comes first. */
  readonly chain: readonly [string, ...string[]];
  readonly key: string;
  readonly anchors: string;
}

/** Where both are found the first is taken, as by istiod (`detectSigningCABundle`). */
const SHAPES: readonly [FolderShape, FolderShape] = [
  { chain: ['tls.crt'], key: 'tls.key', anchors: 'ca.crt' },
  { chain: ['ca-cert.pem', 'cert-chain.pem'], key: 'ca-key.pem', anchors: 'root-cert.pem' },
];

/** The files of such a folder: each may be absent, and a private key is to be read as one. */
export const ISSUER_FILES: readonly { readonly name: string; readonly confidential: boolean }[] = SHAPES.flatMap(
  ({ chain, key, anchors }) => [
    ...[...chain, anchors].map((name) => ({ name, confidential: false })),
    { name: key, confidential: true },
  ],
);

/** Those of them that have the trust anchors: a folder has one. */
export const ANCHOR_FILES: readonly string[] = SHAPES.map(({ anchors }) => anchors);

/** Absent or empty where the intermediate stands directly below its root. */
const MAY_BE_ABSENT: readonly string[] = ['cert-chain.pem'];

/**
 * @param files every one of ISSUER_FILES that is there, by its name, and whatever else: that passes through, and takes the place of
 *   what the folder has, so that `anchors` may come from elsewhere.
 */
export function issuerDirectory(place: string, files: DocumentSource): DocumentSource {
  let shape = SHAPES[1];
  return {
    read: async () => {
      const texts = await files.read();
      const found = SHAPES.find(({ chain: [own] }) => texts.has(own));
      if (found === undefined)
        throw refusal(place, `has neither ${SHAPES.map(({ chain: [own] }) => own).join(' nor ')}`);
      shape = found;
      return documentsOf(texts, found, (name) => files.placeOf(name));
    },
    placeOf: (name) => files.placeOf(fileOf(shape, name) ?? name),
    onChange: (listener, options) => files.onChange(listener, options),
  };
}

function documentsOf(
  texts: ReadonlyMap<string, string>,
  { chain, key, anchors }: FolderShape,
  placeOf: (name: string) => string,
): ReadonlyMap<string, string> {
  const given = new Set(texts.keys());
  const missing = [...chain, key, ...(given.has('anchors') ? [] : [anchors])].find(
    (name) => !given.has(name) && !MAY_BE_ABSENT.includes(name),
  );
  if (missing !== undefined) throw refusal(placeOf(missing), 'is missing');
  const textOf = (name: string): string => texts.get(name) ?? '';
  const others = [...texts].filter(([name]) => !ISSUER_FILES.some((file) => file.name === name));
  return new Map([
    // A file that ends without a line break must not run into the next.
    ['chain', chain.map(textOf).join('\n')],
    ['key', textOf(key)],
    ['anchors', textOf(anchors)],
    ...others,
  ]);
}

function fileOf({ chain: [own], key, anchors }: FolderShape, name: string): string | undefined {
  return { chain: own, key, anchors }[name];
}

function refusal(place: string, problem: string): AuthorityError {
  return new AuthorityError('CAP-X03', { detail: `${place} ${problem}` });
}
