// The documents of an issuer whose pairs are in memory: its chain and the name of its key, beside the trust anchors in their file.
import { AuthorityError } from '../../../domain/errors.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import type { HeldPair, PairsPlace } from './held-pairs.ts';

export interface PairDocumentsParts {
  readonly pairs: Pick<PairsPlace, 'read' | 'onChange'>;
  /** What it has passes through. */
  readonly others: DocumentSource;
  /** Ends what is read. */
  readonly signal: AbortSignal;
}

/** @param issuer as policies call it. */
export function pairDocuments(issuer: string, { pairs, others, signal }: PairDocumentsParts): DocumentSource {
  return {
    read: async () => {
      const { current } = await pairs.read(issuer, { signal });
      if (current !== undefined) return withPair(await others.read(), current);
      throw new AuthorityError('CAP-X03', {
        detail: `issuer ${issuer} has no certificate yet: its CA has not signed one`,
      });
    },
    placeOf: (name) => placeOf(issuer, name) ?? others.placeOf(name),
    onChange: (listener, options) => {
      let last: Promise<void> = Promise.resolve();
      const next = async (): Promise<void> => (last = last.then(listener));
      others.onChange(next, options);
      pairs.onChange((changed) => {
        if (changed === issuer) void next();
      }, options);
    },
  };
}

/** Of a pair that is judged before it is kept. @param called what the chain is called. */
export function documentsOfPair(
  pair: HeldPair,
  { issuer, called, others }: { readonly issuer: string; readonly called: string; readonly others: DocumentSource },
): DocumentSource {
  return {
    read: async () => withPair(await others.read(), pair),
    placeOf: (name) => (name === 'chain' ? called : (placeOf(issuer, name) ?? others.placeOf(name))),
    onChange: () => undefined,
  };
}

function withPair(texts: ReadonlyMap<string, string>, { chainPem, keyId }: HeldPair): ReadonlyMap<string, string> {
  return new Map([...texts, ['chain', chainPem], ['key', keyId]]);
}

function placeOf(issuer: string, name: string): string | undefined {
  if (name === 'chain') return `the certificate of issuer ${issuer}`;
  return name === 'key' ? `the key of issuer ${issuer}` : undefined;
}
