// What is done with the key of an issuer outside of a server's signing: it is found, opened once, asked with and compared.
import { createHash, createPublicKey } from 'node:crypto';
import { SystemClock } from '../../../../adapters/clock/system-clock.ts';
import { watchFolder } from '../../../../adapters/files/watch-folder.ts';
import { watchedFiles } from '../../../../adapters/files/watched-files.ts';
import type { ReadFile } from '../../../../adapters/upstream/offline/issuer-folder.ts';
import type { Config } from '../../../../config/schema.ts';
import type { IssuerPlace } from '../../../../config/shapes/issuer.ts';
import { AuthorityError } from '../../../../domain/errors.ts';
import { KEY_TABLE } from '../../../../domain/x509/key-types.ts';
import type { PathCertificate } from '../../../../domain/x509/path/certificate.ts';
import { readPublicKey } from '../../../../domain/x509/public-key.ts';
import { caRequest } from '../../../../domain/x509/request/ca-request.ts';
import type { RequestedPair } from '../../../../ports/issuing/issuer-generations.ts';
import type { KeyDocument, OpenedKey } from '../../../../ports/issuing/signer-opener.ts';
import { keyDocuments } from './issuer-documents.ts';
import { composeOpeners } from '../issuers.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** @param asked.trustDomain whose SPIFFE ID the certificate is to have. @returns the request for a CA certificate of the key. */
export async function csrOf(
  place: IssuerPlace,
  document: KeyDocument,
  { commonName, trustDomain }: { readonly commonName: string; readonly trustDomain: string },
  { signal }: Waits,
): Promise<RequestedPair> {
  return withKey(place, document, async (key) => requestOf(key, { commonName, trustDomain }, { signal }), { signal });
}

/** As `csrOf`, of a key that is open. */
export async function requestOf(
  key: OpenedKey,
  { commonName, trustDomain }: { readonly commonName: string; readonly trustDomain: string },
  options: Waits,
): Promise<RequestedPair> {
  const { spki } = key;
  const algorithm = KEY_TABLE[readPublicKey(spki).family].signs;
  const request = caRequest({ commonName, spki, algorithm, trustDomainId: `spiffe://${trustDomain}` });
  const csrPem = request.assemble(await key.signerFor(algorithm).sign(request.info, options));
  return { csrPem, keyId: createHash('sha256').update(spki).digest('hex') };
}

/** @returns the one of the texts that the certificate is of. @throws AuthorityError CAP-X03 when none is. */
export async function firstThatFits(
  place: Named,
  keys: readonly string[],
  secret: string | undefined,
  { x509 }: PathCertificate,
  options: Waits,
): Promise<string> {
  for (const text of keys) {
    const fits = async (key: OpenedKey): Promise<boolean> =>
      createPublicKey({ key: Buffer.from(key.spki), format: 'der', type: 'spki' }).equals(x509.publicKey);
    if (await withKey(place, documentOf(text, secret), fits, options)) return text;
  }
  throw refusal(
    `the chain begins with a certificate of another key than those of the issuer ${place.name}: neither the one that ` +
      '`capstan issuer csr` made nor the one in force',
  );
}

async function withKey<T>(
  place: IssuerPlace,
  document: KeyDocument,
  use: (key: OpenedKey) => Promise<T>,
  options: Waits,
): Promise<T> {
  const until = new AbortController();
  try {
    const opener = composeOpeners({ clock: new SystemClock(), until: until.signal })(place);
    const key = await opener.open(document, options);
    if ('problem' in key) throw refusal(`${keyPlaceOf(place)} ${key.problem}`);
    return await use(key);
  } finally {
    until.abort();
  }
}

/** @returns the public key of a key in the issuer's folder, DER SubjectPublicKeyInfo; nothing where it cannot be opened. */
export async function publicKeyOf(place: IssuerPlace, pem: string, options: Waits): Promise<Uint8Array | undefined> {
  const { secret } = await secretsOf(place);
  try {
    return await withKey(place, documentOf(pem, secret), async ({ spki }) => Promise.resolve(spki), options);
  } catch (error) {
    if (error instanceof AuthorityError) return undefined;
    throw error;
  }
}

/** An issuer of the configuration, as the default one and additional ones have it. */
export type Named = IssuerPlace & { readonly name: string; readonly maxTtl?: number | undefined };

export function placeOf({ issuer, additionalIssuers }: Config, name: string): Named {
  const all: readonly Named[] = [issuer, ...additionalIssuers];
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw refusal(`there is no issuer ${JSON.stringify(name)}; there are ${all.map((one) => one.name).join(', ')}`);
}

export async function secretsOf(place: IssuerPlace): Promise<{ readonly secret: string | undefined }> {
  const texts = await documentsOf({ ...place, keyFile: undefined });
  return { secret: texts.get('secret') };
}

/** Nothing where the key is in a folder. */
export async function keyTextOf(place: IssuerPlace): Promise<string | undefined> {
  return (await documentsOf(place)).get('key');
}

async function documentsOf(place: IssuerPlace): Promise<ReadonlyMap<string, string>> {
  return keyDocuments(place, { clock: new SystemClock(), watchFolder }).read();
}

/** As a server reads a file of an issuer. */
export const readFile: ReadFile = async (file) => {
  const watching = { clock: new SystemClock(), watchFolder };
  return (await watchedFiles({ file: { ...file, optional: true } }, watching).read()).get('file');
};

export function keyPlaceOf({ directory, keyFile, pkcs11, transit }: IssuerPlace): string {
  const elsewhere = transit === undefined ? `the token of ${pkcs11?.module ?? ''}` : `the transit key ${transit.key}`;
  return directory ?? keyFile ?? elsewhere;
}

export function documentOf(text: string, secret: string | undefined): KeyDocument {
  return { text, ...(secret !== undefined && { secret }) };
}

/** As `openssl -passin file:` takes a passphrase. */
export function firstLine(secret: string | undefined): string | undefined {
  const passphrase = secret?.split(/\r?\n/, 1)[0];
  if (passphrase === '') throw refusal('the passphrase for the key is empty');
  return passphrase;
}

function refusal(detail: string): AuthorityError {
  return new AuthorityError('CAP-X03', { detail });
}
