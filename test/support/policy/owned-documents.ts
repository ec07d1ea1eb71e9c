// Local policies that a test edits by hand instead of on disk, by owner as the directory's reader gives them.
import { CLUSTER_LAYER, ownerOf } from '../../../src/adapters/policy/source/owner.ts';
import type { OwnersTexts } from '../../../src/adapters/policy/source/read-owners.ts';
import type { DocumentSource } from '../../../src/ports/platform/document-source.ts';
import type { DocumentSet } from '../fakes/document-set.ts';

export function byOwner(documents: DocumentSet): DocumentSource<OwnersTexts> {
  return {
    read: async () => ownersOf(await documents.read()),
    placeOf: (name) => documents.placeOf(name),
    onChange: (listener, options) => documents.onChange(listener, options),
  };
}

export function ownersOf(texts: ReadonlyMap<string, string>): OwnersTexts {
  const groups = Map.groupBy(texts, ([name]) => ownerOf(name));
  return new Map([CLUSTER_LAYER, ...groups.keys()].map((owner) => [owner, { texts: new Map(groups.get(owner)) }]));
}
