// The bundles of other trust domains, each followed on its own.
import type { Watching } from '../../../adapters/files/watch-folder.ts';
import { watchedFiles } from '../../../adapters/files/watched-files.ts';
import {
  DocumentFederatedBundles,
  type FederatedParts,
} from '../../../adapters/issuers/documents/document-federated-bundles.ts';
import type { Config } from '../../../config/schema.ts';

export function composeFederation(
  { trustAnchors }: Config,
  { files, ...parts }: FederatedParts & { readonly files: Watching },
): DocumentFederatedBundles {
  const sources = trustAnchors.federated.map(
    ({ trustDomain, file }) => [trustDomain, watchedFiles({ [file]: file }, files)] as const,
  );
  return new DocumentFederatedBundles(parts, new Map(sources));
}
