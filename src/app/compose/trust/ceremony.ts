// An offline ceremony: the request for the next intermediate of an issuer, and the certificate that came back for it. Both
// work on the issuer's files and need no server; one that runs follows them. It imports much because key, folder and judgement
// meet here.
import { createPublicKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SystemClock } from '../../../adapters/clock/system-clock.ts';
import { watchFolder } from '../../../adapters/files/watch-folder.ts';
import { watchedFiles } from '../../../adapters/files/watched-files.ts';
import { readIfThere, replaceFile } from '../../../durable/replace-file.ts';
import { ANCHOR_FILES } from '../../../adapters/issuers/documents/issuer-directory.ts';
import { IssuerFolder, type ReadFile } from '../../../adapters/upstream/offline/issuer-folder.ts';
import { newKeyPem, type CaKeyType } from '../../../adapters/upstream/offline/new-key.ts';
import type { Config } from '../../../config/schema.ts';
import { PLACE_FIELDS, type IssuerPlace } from '../../../config/shapes/issuer.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { writingProblem } from '../../../domain/text/system-error.ts';
import { caRequest } from '../../../domain/x509/request/ca-request.ts';
import { KEY_TABLE } from '../../../domain/x509/key-types.ts';
import { pathCertificatesOf, type PathCertificate } from '../../../domain/x509/path/certificate.ts';
import { readPublicKey } from '../../../domain/x509/public-key.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { KeyDocument, OpenedKey } from '../../../ports/issuing/signer-opener.ts';
import { keyDocuments } from './issuer-documents.ts';
import { checkIssuer, composeOpeners } from './issuers.ts';

/** As of any file of an issuer. */
const MAX_FILE_BYTES = 1024 * 1024;

interface Waits {
  readonly signal: AbortSignal;
}

export interface RequestedIntermediate {
  readonly csrPem: string;
  /** Where the key lies that waits for its certificate, or that has one already. */
  readonly keyPlace: string;
  readonly keyIsNew: boolean;
}

export interface ImportedIntermediate {
  readonly certificate: PathCertificate;
  /** Nothing was changed: it is in force already. */
  readonly unchanged: boolean;
  readonly warnings: readonly string[];
}

/** @throws AuthorityError CAP-X03 for an issuer that is none, and for a key or a folder that cannot be read or written. */
export async function requestIntermediate(
  config: Config,
  settings: { readonly name: string; readonly commonName: string; readonly keyType: CaKeyType },
  { signal }: Waits,
): Promise<RequestedIntermediate> {
  const place = placeOf(config, settings.name);
  const { directory } = place;
  const { secret } = await secretsOf(place);
  let [text, keyPlace, keyIsNew] = [await keyTextOf(place), keyPlaceOf(place), false];
  if (directory !== undefined) {
    const folder = new IssuerFolder(directory, readFile);
    await folder.alone(async () => {
      text = await folder.nextKey();
      keyIsNew = text === undefined;
      if (text === undefined) await folder.keepNextKey((text = newKeyPem(settings.keyType, firstLine(secret))));
    });
    keyPlace = folder.nextKeyPlace;
  }
  const csrPem = await withKey(
    place,
    documentOf(text ?? '', secret),
    async (key) => {
      const algorithm = KEY_TABLE[readPublicKey(key.spki).family].signs;
      const request = caRequest({
        commonName: settings.commonName,
        spki: key.spki,
        algorithm,
        trustDomainId: `spiffe://${config.trustDomain}`,
      });
      return request.assemble(await key.signerFor(algorithm).sign(request.info, { signal }));
    },
    { signal },
  );
  return { csrPem, keyPlace, keyIsNew };
}

/**
 * Judges the chain with its key as a server would that has never signed with it, and puts both in force.
 * @throws AuthorityError CAP-X03 saying what a server would; what was in force stays.
 */
export async function importIntermediate(
  config: Config,
  { name, chainPem }: { readonly name: string; readonly chainPem: string },
  clock: Pick<Clock, 'nowMs'>,
  options: Waits,
): Promise<ImportedIntermediate> {
  const place = placeOf(config, name);
  const [certificate] = pathCertificatesOf(chainPem);
  if (certificate === undefined) throw refusal('the chain has no certificate');
  return place.directory === undefined
    ? importBesideKey(config, place, { certificate, chainPem }, clock)
    : importIntoFolder(config, { ...place, directory: place.directory }, { certificate, chainPem }, clock, options);
}

interface Given {
  readonly certificate: PathCertificate;
  readonly chainPem: string;
}

async function importIntoFolder(
  config: Config,
  place: Named & { readonly directory: string },
  { certificate, chainPem }: Given,
  clock: Pick<Clock, 'nowMs'>,
  { signal }: Waits,
): Promise<ImportedIntermediate> {
  const folder = new IssuerFolder(place.directory, readFile);
  return folder.alone(async () => importAlone(config, place, folder, { certificate, chainPem }, clock, { signal }));
}

async function importAlone(
  config: Config,
  place: Named,
  folder: IssuerFolder,
  { certificate, chainPem }: Given,
  clock: Pick<Clock, 'nowMs'>,
  { signal }: Waits,
): Promise<ImportedIntermediate> {
  if ((await folder.current('chain')) === chainPem) return { certificate, unchanged: true, warnings: [] };
  const { secret } = await secretsOf(place);
  const keys = [await folder.nextKey(), await folder.current('key')].flatMap((text) => text ?? []);
  const key = await firstThatFits(place, keys, secret, certificate, { signal });
  const anchors = await anchorsOf(config, folder);
  let warnings: readonly string[] = [];
  await folder.install({ chain: chainPem, key, anchors }, async (staged) => {
    warnings = await judged(config, { ...place, directory: staged }, clock);
  });
  return { certificate, unchanged: false, warnings };
}

/** @returns those that the chain is judged by, so that the folder is whole for who makes a Secret of it. */
async function anchorsOf({ trustAnchors: { file } }: Config, folder: IssuerFolder): Promise<string> {
  const given = file === undefined ? undefined : await readIfThere(file, MAX_FILE_BYTES);
  return given ?? (await folder.current('anchors')) ?? '';
}

/** The key stays where it is, in a token or in a file: what changes is one file. */
async function importBesideKey(
  config: Config,
  place: Named,
  { certificate, chainPem }: Given,
  clock: Pick<Clock, 'nowMs'>,
): Promise<ImportedIntermediate> {
  const { chainFile = '' } = place;
  if ((await readIfThere(chainFile, MAX_FILE_BYTES)) === chainPem)
    return { certificate, unchanged: true, warnings: [] };
  const folder = path.dirname(chainFile);
  const staging = await writingTo(folder, mkdtemp(path.join(folder, '.import-')));
  try {
    const staged = path.join(staging, path.basename(chainFile));
    await writingTo(folder, writeFile(staged, chainPem, { mode: 0o600 }));
    const warnings = await judged(config, { ...place, chainFile: staged }, clock);
    await replaceFile(chainFile, chainPem);
    return { certificate, unchanged: false, warnings };
  } finally {
    await rm(staging, { recursive: true });
  }
}

async function writingTo<T>(folder: string, work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw new AuthorityError('CAP-X03', { detail: `${folder} ${writingProblem(cause)}`, cause });
  });
}

/** @returns warnings. @throws AuthorityError CAP-X03 saying why no server would sign with it. */
async function judged(config: Config, place: Named, clock: Pick<Clock, 'nowMs'>): Promise<readonly string[]> {
  const { maxTtl = Infinity, ...own } = place;
  // Nothing of where the default issuer is: its files are not those of another one.
  const nowhere = Object.fromEntries(PLACE_FIELDS.map((field) => [field, undefined]));
  const max = Math.min(config.lifetimes.max, maxTtl);
  const alone = {
    ...config,
    issuer: { ...config.issuer, ...nowhere, ...own },
    trustAnchors: { ...config.trustAnchors, file: anchorsFileOf(config, place) },
    additionalIssuers: [],
    lifetimes: { ...config.lifetimes, max },
  };
  const checked = await checkIssuer(alone, clock, { wasInForce: false });
  if (checked === undefined) throw refusal(`a file of the issuer ${place.name} is missing: see capstan config check`);
  if (checked.problem !== undefined) throw refusal(checked.problem);
  return checked.warnings;
}

/** Additional issuers stand below the anchors of the default one, which may be in its folder. */
function anchorsFileOf({ issuer, trustAnchors: { file } }: Config, { name }: Named): string | undefined {
  const { directory } = issuer;
  if (file !== undefined || directory === undefined || name === issuer.name) return file;
  return ANCHOR_FILES.map((one) => path.join(directory, one)).find((one) => existsSync(one));
}

async function firstThatFits(
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

type Named = IssuerPlace & { readonly name: string; readonly maxTtl?: number | undefined };

function placeOf({ issuer, additionalIssuers }: Config, name: string): Named {
  const all: readonly Named[] = [issuer, ...additionalIssuers];
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw refusal(`there is no issuer ${JSON.stringify(name)}; there are ${all.map((one) => one.name).join(', ')}`);
}

async function secretsOf(place: IssuerPlace): Promise<{ readonly secret: string | undefined }> {
  const texts = await documentsOf({ ...place, keyFile: undefined });
  return { secret: texts.get('secret') };
}

/** Nothing where the key is in a folder. */
async function keyTextOf(place: IssuerPlace): Promise<string | undefined> {
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

function keyPlaceOf({ directory, keyFile, pkcs11, transit }: IssuerPlace): string {
  const elsewhere = transit === undefined ? `the token of ${pkcs11?.module ?? ''}` : `the transit key ${transit.key}`;
  return directory ?? keyFile ?? elsewhere;
}

function documentOf(text: string, secret: string | undefined): KeyDocument {
  return { text, ...(secret !== undefined && { secret }) };
}

/** As `openssl -passin file:` takes a passphrase. */
function firstLine(secret: string | undefined): string | undefined {
  const passphrase = secret?.split(/\r?\n/, 1)[0];
  if (passphrase === '') throw refusal('the passphrase for the key is empty');
  return passphrase;
}

function refusal(detail: string): AuthorityError {
  return new AuthorityError('CAP-X03', { detail });
}
