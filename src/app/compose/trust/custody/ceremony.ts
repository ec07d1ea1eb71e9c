// An offline ceremony: the request for the next intermediate of an issuer, and the certificate that came back for it. Both
// work on the issuer's files and need no server; one that runs follows them.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readIfThere, replaceFile } from '../../../../durable/replace-file.ts';
import { IssuerFolder } from '../../../../adapters/upstream/offline/issuer-folder.ts';
import { newKeyPem, type CaKeyType } from '../../../../adapters/upstream/offline/new-key.ts';
import type { Config } from '../../../../config/schema.ts';
import { isInMemory } from '../../../../config/shapes/issuer.ts';
import { AuthorityError } from '../../../../domain/errors.ts';
import { writingProblem } from '../../../../domain/text/system-error.ts';
import { anchorsAbove } from '../../../../domain/trust/anchors-above.ts';
import { TrustBundle } from '../../../../domain/trust/bundle.ts';
import { pathCertificatesOf, type PathCertificate } from '../../../../domain/x509/path/certificate.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import {
  csrOf,
  documentOf,
  firstLine,
  firstThatFits,
  keyPlaceOf,
  keyTextOf,
  placeOf,
  readFile,
  secretsOf,
  type Named,
} from './issuer-key.ts';
import { anchorsOf, judged, MAX_FILE_BYTES } from './judge-issuer.ts';

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
  /** It leads to another trust anchor than the one in force, and is kept beside it until a rotation adopts that. */
  readonly waits: boolean;
  readonly warnings: readonly string[];
}

/** @throws AuthorityError CAP-X03 for an issuer that is none, and for a key or a folder that cannot be read or written. */
export async function requestIntermediate(
  config: Config,
  settings: {
    readonly name: string;
    readonly commonName: string;
    readonly keyType: CaKeyType;
    /** CKA_ID in hex of another key of the token than the configuration names. */
    readonly keyId?: string | undefined;
  },
  { signal }: Waits,
): Promise<RequestedIntermediate> {
  const place = withKeyId(fileOrTokenOf(config, settings.name), settings.keyId);
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
  const asked = { commonName: settings.commonName, trustDomain: config.trustDomain };
  const { csrPem } = await csrOf(place, documentOf(text ?? '', secret), asked, { signal });
  return { csrPem, keyPlace, keyIsNew };
}

/**
 * Judges the chain with its key as a server would that has never signed with it, and puts both in force.
 * @throws AuthorityError CAP-X03 saying what a server would; what was in force stays.
 */
export async function importIntermediate(
  config: Config,
  { name, chainPem, now }: { readonly name: string; readonly chainPem: string; readonly now?: boolean },
  clock: Pick<Clock, 'nowMs'>,
  options: Waits,
): Promise<ImportedIntermediate> {
  const place = fileOrTokenOf(config, name);
  const [certificate] = pathCertificatesOf(chainPem);
  if (certificate === undefined) throw refusal('the chain has no certificate');
  return place.directory === undefined
    ? importBesideKey(config, place, { certificate, chainPem }, clock)
    : importIntoFolder(
        config,
        { ...place, directory: place.directory },
        { certificate, chainPem, now },
        clock,
        options,
      );
}

interface Given {
  readonly certificate: PathCertificate;
  readonly chainPem: string;
  /** In force at once, also below another trust anchor. */
  readonly now?: boolean | undefined;
}

async function importIntoFolder(
  config: Config,
  place: Named & { readonly directory: string },
  given: Given,
  clock: Pick<Clock, 'nowMs'>,
  { signal }: Waits,
): Promise<ImportedIntermediate> {
  const folder = new IssuerFolder(place.directory, readFile);
  return folder.alone(async () => importAlone(config, place, folder, given, clock, { signal }));
}

async function importAlone(
  config: Config,
  place: Named,
  folder: IssuerFolder,
  { certificate, chainPem, now }: Given,
  clock: Pick<Clock, 'nowMs'>,
  { signal }: Waits,
): Promise<ImportedIntermediate> {
  if ((await folder.current('chain')) === chainPem) return { certificate, unchanged: true, waits: false, warnings: [] };
  const prepared = await folder.kept('prepared');
  const waitsAlready = prepared?.chain === chainPem;
  if (waitsAlready && now !== true) return { certificate, unchanged: true, waits: true, warnings: [] };
  const { secret } = await secretsOf(place);
  const waiting = waitsAlready ? [prepared.key] : [];
  const keys = [...waiting, ...[await folder.nextKey(), await folder.current('key')].flatMap((text) => text ?? [])];
  const key = await firstThatFits(place, keys, secret, certificate, { signal });
  const anchors = await anchorsOf(config, folder);
  let warnings: readonly string[] = [];
  const judge = async (staged: string): Promise<void> => {
    warnings = await judged(config, { ...place, directory: staged }, clock);
  };
  const files = { chain: chainPem, key, anchors };
  const waits = now !== true && leadsElsewhere(config, await folder.current('chain'), files, clock);
  await (waits ? folder.prepare(files, judge) : folder.install(files, judge));
  if (waitsAlready) await folder.discard('prepared');
  return { certificate, unchanged: false, waits, warnings };
}

/** Roots before leaves: what leads to another anchor is of no use to who does not know that one yet. */
function leadsElsewhere(
  { trustDomain }: Config,
  current: string | undefined,
  { chain, anchors }: { readonly chain: string; readonly anchors: string },
  clock: Pick<Clock, 'nowMs'>,
): boolean {
  const bundle = TrustBundle.fromPem(trustDomain, anchors);
  if (current === undefined || 'problem' in bundle) return false;
  const [inForce, next] = [current, chain].map((pem) => anchorsAbove(pem, bundle, clock.nowMs()));
  return inForce !== undefined && inForce.length > 0 && next?.some((one) => inForce.includes(one)) === false;
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
    return { certificate, unchanged: true, waits: false, warnings: [] };
  const folder = path.dirname(chainFile);
  const staging = await writingTo(folder, mkdtemp(path.join(folder, '.import-')));
  try {
    const staged = path.join(staging, path.basename(chainFile));
    await writingTo(folder, writeFile(staged, chainPem, { mode: 0o600 }));
    const warnings = await judged(config, { ...place, chainFile: staged }, clock);
    await replaceFile(chainFile, chainPem);
    return { certificate, unchanged: false, waits: false, warnings };
  } finally {
    await rm(staging, { recursive: true });
  }
}

async function writingTo<T>(folder: string, work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw new AuthorityError('CAP-X03', { detail: `${folder} ${writingProblem(cause)}`, cause });
  });
}

/** @throws AuthorityError CAP-X03 for a key that no command reaches. */
function fileOrTokenOf(config: Config, name: string): Named {
  const place = placeOf(config, name);
  if (!isInMemory(place)) return place;
  throw refusal(
    `the issuer ${name} has its key in the memory of its server: its CA signs by itself (capstan issuer rotate)`,
  );
}

/** For the next key of a token, which lies beside the one in force under the same label. */
function withKeyId(place: Named, keyId: string | undefined): Named {
  if (keyId === undefined) return place;
  if (place.pkcs11 === undefined) throw refusal(`the issuer ${place.name} has its key in no token: it has no id there`);
  return { ...place, pkcs11: { ...place.pkcs11, keyId } };
}

function refusal(detail: string): AuthorityError {
  return new AuthorityError('CAP-X03', { detail });
}
