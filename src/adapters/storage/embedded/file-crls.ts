// The revocation lists of an embedded store, in a file beside the journal: one process of a server writes it, and each reads it
// when it has changed. What is lost with the file is signed again.
import { statSync, type Stats } from 'node:fs';
import { z } from 'zod';
import { AuthorityError } from '../../../domain/errors.ts';
import { codeOf } from '../../../domain/text/system-error.ts';
import { parseJson } from '../../../domain/text/parse-json.ts';
import { KEEP_LAPSED_MS, type Crls, type KeptCrl } from '../../../ports/revocation/crls.ts';
import { readSmallFile, replaceSmallFile } from '../slots/small-file.ts';
import { journalProblem } from '../sqlite/file/journal-problem.ts';

interface Waits {
  readonly signal: AbortSignal;
}

const HEAD = { apiVersion: 'capstan.dev/v1alpha1', kind: 'RevocationLists' } as const;
const base64 = z.base64().transform((text) => Buffer.from(text, 'base64'));
const schema = z.strictObject({
  apiVersion: z.literal(HEAD.apiVersion),
  kind: z.literal(HEAD.kind),
  crls: z.array(
    z.strictObject({
      issuer: z.string(),
      number: z.int().min(1),
      nextUpdateMs: z.int(),
      certificateDer: base64,
      der: base64,
    }),
  ),
});

/** Of the lists that belong to a store. @param store the journal's file. */
export function crlFileOf(store: string): string {
  return `${store}.crls`;
}

export class FileCrls implements Crls {
  readonly #file: string;
  #crls: readonly KeptCrl[] = [];
  /** Of the file that `#crls` are from. */
  #revision = '';

  /** @param file is made with the first list. */
  constructor(file: string) {
    this.#file = file;
  }

  async all({ signal }: Waits): Promise<readonly KeptCrl[]> {
    signal.throwIfAborted();
    return this.#asked(() => this.#read());
  }

  async keep(crl: KeptCrl, { nowMs, signal }: Waits & { readonly nowMs: number }): Promise<boolean> {
    const crls = await this.all({ signal });
    // From here to the end nobody else's change comes between.
    if (crls.some(({ issuer, number }) => issuer === crl.issuer && number >= crl.number)) return false;
    const others = crls.filter(
      ({ issuer, nextUpdateMs }) => issuer !== crl.issuer && nextUpdateMs > nowMs - KEEP_LAPSED_MS,
    );
    const next = [...others, crl];
    const texts = next.map(({ certificateDer, der, ...facts }) => ({
      ...facts,
      certificateDer: Buffer.from(certificateDer).toString('base64'),
      der: Buffer.from(der).toString('base64'),
    }));
    this.#asked(() => replaceSmallFile(this.#file, `${JSON.stringify({ ...HEAD, crls: texts })}\n`));
    return true;
  }

  #read(): readonly KeptCrl[] {
    const revision = revisionOf(this.#file);
    if (revision === this.#revision) return this.#crls;
    const parsed = schema.safeParse(parseJson(readSmallFile(this.#file) ?? ''));
    // A file that is none is as good as none: who has the keys makes another.
    this.#crls = parsed.success ? parsed.data.crls : [];
    this.#revision = revision;
    return this.#crls;
  }

  #asked<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw new AuthorityError('CAP-S04', { detail: journalProblem(this.#file, cause).message, cause });
    }
  }
}

/** It is replaced and never written in place, so that its inode and times tell. */
function revisionOf(file: string): string {
  try {
    const { ino, mtimeMs, size }: Stats = statSync(file);
    return `${ino} ${mtimeMs} ${size}`;
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return '';
    throw cause;
  }
}
