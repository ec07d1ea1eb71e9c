// The documents of one issuer, from wherever the configuration says that they are.
import path from 'node:path';
import { withGivenDocuments, type GivenDocument } from '../../../../adapters/files/given-documents.ts';
import type { Watching } from '../../../../adapters/files/watch-folder.ts';
import { watchedFiles, type WatchedFile } from '../../../../adapters/files/watched-files.ts';
import { ISSUER_FILES, issuerDirectory } from '../../../../adapters/issuers/documents/issuer-directory.ts';
import { writeReference } from '../../../../adapters/issuers/pkcs11/pkcs11-opener.ts';
import { writeTransitReference } from '../../../../adapters/vault/transit/transit-opener.ts';
import { processEnvironment } from '../../../../config/environment.ts';
import type { IssuerPlace, TokenKeyPlace } from '../../../../config/shapes/issuer.ts';
import type { TransitPlace } from '../../../../config/shapes/vault.ts';
import type { DocumentSource } from '../../../../ports/platform/document-source.ts';
import { connectionOf } from '../vault.ts';

/** @param settings.anchorsFile takes the place of the anchors in a folder. */
export function issuerDocuments(
  place: IssuerPlace,
  { anchorsFile }: { readonly anchorsFile: string | undefined },
  files: Watching,
): DocumentSource {
  const { chainFile = '', directory } = place;
  const own = keyDocuments(place, files, {
    ...(directory === undefined ? { chain: chainFile } : filesIn(directory)),
    ...(anchorsFile !== undefined && { anchors: anchorsFile }),
  });
  return directory === undefined ? own : issuerDirectory(directory, own);
}

/**
 * The documents `key`, but for a key in a folder, and `secret` where one is configured, for who has no chain yet.
 * @param others read with them.
 */
export function keyDocuments(
  { keyFile, keyPassphraseFile, keyPassphraseEnv, pkcs11, transit }: IssuerPlace,
  files: Watching,
  others: Readonly<Record<string, WatchedFile>> = {},
): DocumentSource {
  const [secretFile, secretEnv] = [keyPassphraseFile ?? pkcs11?.pinFile, keyPassphraseEnv ?? pkcs11?.pinEnv];
  const named = {
    ...others,
    ...(keyFile !== undefined && { key: { path: keyFile, confidential: true } }),
    ...(secretFile !== undefined && { secret: { path: secretFile, confidential: true } }),
  };
  const given = {
    ...(pkcs11 !== undefined && { key: nameOf(pkcs11) }),
    ...(transit !== undefined && { key: nameInTransit(transit) }),
    ...(secretEnv !== undefined && { secret: secretIn(secretEnv) }),
  };
  return withGivenDocuments(watchedFiles(named, files), given);
}

/** Where the key is, and who may have it, are two documents: a token's PIN changes by itself. */
function nameOf({ module, tokenLabel, slot, keyLabel, keyId }: TokenKeyPlace): GivenDocument {
  const reference = { module, tokenLabel, slot, keyLabel, keyId };
  const place =
    tokenLabel === undefined ? `the token in slot ${slot ?? ''}` : `the token ${JSON.stringify(tokenLabel)}`;
  return { text: writeReference(reference), place };
}

/** What proves who we are is no document of the key: it is another one every hour. */
function nameInTransit({ mount, key, ...server }: TransitPlace): GivenDocument {
  return {
    text: writeTransitReference({ mount, key, connection: connectionOf(server) }),
    place: `the transit key ${JSON.stringify(key)}`,
  };
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
