// The revocation lists of the CAs above our issuers, put into the file that a server reads them from. It needs no server; one that
// runs follows the file.
import { lstat } from 'node:fs/promises';
import { IssuerFolder } from '../../../adapters/upstream/offline/issuer-folder.ts';
import type { Config } from '../../../config/schema.ts';
import { readIfThere, replaceFile } from '../../../durable/replace-file.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { codeOf } from '../../../domain/text/system-error.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { readCaCertificate, type CaCertificate } from '../../../domain/x509/ca-certificate.ts';
import { crlProblem, crlTimeProblem, isNamedBy } from '../../../domain/x509/crl/judge-crl.ts';
import { MAX_CRL_BYTES, readCrl, readCrls, type Crl } from '../../../domain/x509/crl/read-crl.ts';
import { pathCertificatesOf } from '../../../domain/x509/path/certificate.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { readFile } from '../trust/custody/issuer-key.ts';
import { MAX_FILE_BYTES } from '../trust/custody/judge-issuer.ts';

export interface ImportedCrl {
  readonly crl: Crl;
  readonly by: CaCertificate;
  /** The file has it already. */
  readonly unchanged: boolean;
}

export interface CrlImport {
  readonly file: string;
  readonly lists: readonly ImportedCrl[];
}

/**
 * Puts the lists in the place of those of the same CAs; those of other CAs stay.
 * @param given PEM of one or several lists, or DER of one.
 * @throws AuthorityError CAP-X03 saying why peers would not take one, or why the file cannot be replaced; it stays as it was.
 */
export async function importCrls(config: Config, given: Uint8Array, clock: Pick<Clock, 'nowMs'>): Promise<CrlImport> {
  const { crlFile: file } = config.trustAnchors;
  if (file === undefined)
    throw refusal('trustAnchors.crlFile is not set: it names the file that a list is imported into');
  const cas = await casAbove(config);
  const present = await presentIn(file);
  const lists = listsIn(given).map((crl) => judged(crl, cas, present, clock.nowMs()));
  if (lists.some(({ unchanged }) => !unchanged)) {
    const kept = present.filter((crl) => !lists.some(({ by }) => isNamedBy(crl, by)));
    await replaceUnlessMounted(file, [...kept, ...lists.map(({ crl }) => crl)].map(({ pem }) => pem).join(''));
  }
  return { file, lists };
}

function listsIn(given: Uint8Array): readonly Crl[] {
  const isPem = Buffer.from(given).includes('-----BEGIN ');
  const crls = isPem ? readCrls(Buffer.from(given).toString('latin1')) : readCrl(given);
  if ('problem' in crls) throw refusal(`what is given ${crls.problem}`);
  return 'der' in crls ? [crls] : crls;
}

function judged(crl: Crl, cas: readonly CaCertificate[], present: readonly Crl[], nowMs: number): ImportedCrl {
  const named = cas.filter((ca) => isNamedBy(crl, ca));
  const by = named.find((ca) => crlProblem(crl, ca) === undefined);
  if (by === undefined) throw refusal(`the list ${whyOfNone(crl, named, cas)}`);
  const time = crlTimeProblem(crl, nowMs);
  if (time !== undefined) throw refusal(`the list of ${by.subject} ${time}`);
  const before = present.filter((one) => isNamedBy(one, by));
  const newer = before.find(({ thisUpdateMs }) => thisUpdateMs > crl.thisUpdateMs);
  // Whoever brings an old list back has its CA forget what it has revoked since.
  if (newer !== undefined)
    throw refusal(
      `the list of ${by.subject} is of ${formatTime(crl.thisUpdateMs)}, and the file has a newer one, of ${formatTime(newer.thisUpdateMs)}`,
    );
  return { crl, by, unchanged: before.length === 1 && before[0]?.sha256 === crl.sha256 };
}

function whyOfNone(crl: Crl, named: readonly CaCertificate[], cas: readonly CaCertificate[]): string {
  const [first] = named;
  if (first !== undefined) return crlProblem(crl, first) ?? '';
  const known = cas.map(({ subject }) => subject).join('; ');
  return `is of no CA above an issuer of this configuration: ${known === '' ? 'it has none' : known}`;
}

/** The anchors, and what stands between them and the issuers; issuers' own lists are not imported. */
async function casAbove({ issuer, additionalIssuers, trustAnchors }: Config): Promise<readonly CaCertificate[]> {
  const texts = trustAnchors.file === undefined ? [] : [await readIfThere(trustAnchors.file, MAX_FILE_BYTES)];
  const chains: (string | undefined)[] = [];
  for (const { directory, chainFile } of [issuer, ...additionalIssuers]) {
    const folder = directory === undefined ? undefined : new IssuerFolder(directory, readFile);
    texts.push(await folder?.current('anchors'));
    chains.push(await (folder?.current('chain') ?? (chainFile && readIfThere(chainFile, MAX_FILE_BYTES))));
  }
  const between = chains.flatMap((text) => pathCertificatesOf(text ?? '').slice(1));
  const all = [...texts.flatMap((text) => pathCertificatesOf(text ?? '')), ...between];
  return [...new Map(all.map((ca) => [ca.sha256, ca])).values()].filter(
    ({ der }) => !('problem' in readCaCertificate(der)),
  );
}

async function presentIn(file: string): Promise<readonly Crl[]> {
  const text = (await readIfThere(file, 2 * MAX_CRL_BYTES)) ?? '';
  if (text.trim() === '') return [];
  const crls = readCrls(text);
  if ('problem' in crls)
    throw refusal(`${file} ${crls.problem}: move it away, and import every list that it should have`);
  return crls;
}

const MOUNTED =
  'a mounted ConfigMap or Secret is replaced in Kubernetes, from where every pod has it: ' +
  'kubectl create configmap NAME --from-file=FILE --dry-run=client -o yaml | kubectl apply -f -';

/** Kubernetes mounts files as symbolic links, mostly on a file system that is read-only. */
async function replaceUnlessMounted(file: string, text: string): Promise<void> {
  const isLink = await lstat(file).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
  if (isLink) throw refusal(`${file} is a symbolic link and was left as it is; ${MOUNTED}`);
  try {
    await replaceFile(file, text);
  } catch (error) {
    if (!(error instanceof AuthorityError) || codeOf(error.cause) !== 'EROFS') throw error;
    throw new AuthorityError('CAP-X03', { detail: `${error.detail ?? ''}; ${MOUNTED}`, cause: error.cause });
  }
}

function refusal(detail: string): AuthorityError {
  return new AuthorityError('CAP-X03', { detail });
}
