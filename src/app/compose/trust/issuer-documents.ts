// The documents of one issuer, from wherever the configuration says that they are.
import path from 'node:path';
import { withGivenDocuments, type GivenDocument } from '../../../adapters/files/given-documents.ts';
import type { Watching } from '../../../adapters/files/watch-folder.ts';
import { watchedFiles, type WatchedFile } from '../../../adapters/files/watched-files.ts';
import { ISSUER_FILES, issuerDirectory } from '../../../adapters/issuers/documents/issuer-directory.ts';
import { processEnvironment } from '../../../config/environment.ts';
import type { IssuerPlace } from '../../../config/shapes/issuer.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';

/** @param settings.anchorsFile takes the place of the anchors in a folder. */
export function issuerDocuments(
  place: IssuerPlace,
  { anchorsFile }: { readonly anchorsFile: string | undefined },
  files: Watching,
): DocumentSource {
  const { chainFile = '', keyFile = '', directory, keyPassphraseFile, keyPassphraseEnv } = place;
  const more = {
    ...(anchorsFile !== undefined && { anchors: anchorsFile }),
    ...(keyPassphraseFile !== undefined && { secret: { path: keyPassphraseFile, confidential: true } }),
  };
  const own =
    directory === undefined
      ? watchedFiles({ chain: chainFile, key: { path: keyFile, confidential: true }, ...more }, files)
      : issuerDirectory(directory, watchedFiles({ ...filesIn(directory), ...more }, files));
  return keyPassphraseEnv === undefined ? own : withGivenDocuments(own, { secret: secretIn(keyPassphraseEnv) });
}

function filesIn(directory: string): Readonly<Record<string, WatchedFile>> {
  return Object.fromEntries(
    ISSUER_FILES.map(({ name, confidential }) => [
      name,
      { path: path.join(directory, name), confidential, optional: true },
    ]),
  );
}

function secretIn(name: string): GivenDocument {
  return { text: processEnvironment()[name], place: `the environment variable ${name}` };
}
