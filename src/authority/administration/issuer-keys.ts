// The private keys beside those that issuers sign with. One that is of no certificate in force or prepared is a signature waiting for
// somebody: left behind by a ceremony that was given up, or by an intermediate that has ended. It is listed, and deleted when asked.
import { createHash } from 'node:crypto';
import { AuthorityError } from '../../domain/errors.ts';
import { standingOf, type IssuerLedger } from '../../domain/trust/issuer-ledger.ts';
import type { PathCertificate } from '../../domain/x509/path/certificate.ts';
import type { HeldKey, KeyInventory } from '../../ports/issuing/key-inventory.ts';
import type { SettledTime } from '../../live/settled-time.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { OperationJournal } from '../../ports/storage/operation-journal.ts';
import type { FollowedLedger } from '../trust/followed-ledger.ts';
import { generationsAt, type GenerationsParts } from './generations.ts';
import type { Operator } from './issuer-acts.ts';

export interface IssuerKeysParts extends GenerationsParts {
  readonly ledger: Pick<FollowedLedger<IssuerLedger>, 'current'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** By it certificates are over: a key that is deleted does not come back with a clock that was wrong. */
  readonly settled: Pick<SettledTime, 'nowMs'>;
  readonly journal: OperationJournal;
  /** @returns the keys beside that of an issuer; nothing where its key lies alone, or is not open. */
  readonly inventoryOf: (issuer: string) => KeyInventory | undefined;
  /** The certificates in the files of the issuers now, in force or not. */
  readonly given: () => Promise<readonly PathCertificate[]>;
}

export interface KeyRow {
  readonly label: string;
  /** CKA_ID in hex, or the name of a file. */
  readonly id: string;
  /** Hex SHA-256 of the public key, first 16 digits; absent where the place does not tell it. */
  readonly key?: string;
  /** `orphaned`: of no certificate that signs, signed, or is to sign. */
  readonly use: 'issuer' | 'certified' | 'orphaned';
}

export interface RemovedKey {
  readonly issuer: string;
  /** As `KeyRow.key`. */
  readonly key: string;
  readonly reason: string;
}

interface Waits {
  readonly signal: AbortSignal;
}

export class IssuerKeys {
  readonly #parts: IssuerKeysParts;

  constructor(parts: IssuerKeysParts) {
    this.#parts = parts;
  }

  /**
   * Those beside the key of an issuer, its own among them.
   * @throws AuthorityError CAP-O02 for no issuer, CAP-O03 where its key lies alone, CAP-S15 while its place does not answer,
   *   CAP-S04 when it cannot be known what is in use.
   */
  async list(issuer: string, options: Waits): Promise<readonly KeyRow[]> {
    const keys = await this.#inventoryOf(issuer).keys(options);
    const inUse = await this.#inUse(options);
    return keys.map((key) => rowOf(key, inUse));
  }

  /**
   * Deletes one that is orphaned, once that is on record.
   * @throws AuthorityError as `list`, and CAP-O03 for one that is not there or in use, or while it cannot be known whose it is.
   */
  async remove({ issuer, key, reason }: RemovedKey, { actor, role }: Operator, options: Waits): Promise<KeyRow> {
    const inventory = this.#inventoryOf(issuer);
    this.#demandAllInForce();
    const keys = await inventory.keys(options);
    const inUse = await this.#inUse(options);
    const found = keys.find(({ spki }) => spki !== undefined && idOf(spki).startsWith(key));
    if (found?.spki === undefined) throw refusal(issuer, `has no key ${key} beside its own`);
    const row = rowOf(found, inUse);
    if (row.use === 'issuer')
      throw refusal(issuer, `cannot lose key ${key}: an issuer signs with it, signed, or is to sign`);
    if (row.use === 'certified') throw refusal(issuer, `cannot lose key ${key}: a certificate for it lies beside it`);
    const timeMs = this.#parts.clock.nowMs();
    const details = { actor, role, target: `issuer ${issuer} key ${key}`, reason };
    const was = `${row.label} ${row.id}`.trim();
    await this.#parts.journal.recordOperation(
      { timeMs, operation: 'issuer keys --delete', was, is: 'deleted', details },
      options,
    );
    await inventory.remove(found.spki, options);
    return row;
  }

  #inventoryOf(issuer: string): KeyInventory {
    const named = this.#parts.issuers.all();
    if (!named.some(({ name }) => name === issuer)) {
      const names = named.map(({ name }) => name).join(', ');
      throw new AuthorityError('CAP-O02', { detail: `no issuer is called ${issuer}; there are ${names}` });
    }
    const inventory = this.#parts.inventoryOf(issuer);
    if (inventory !== undefined) return inventory;
    throw refusal(issuer, 'has its key in no token that is open, and in no folder: nothing lies beside it');
  }

  /** What has no certificate in force may have its key in the same place, and nobody can say which it is. */
  #demandAllInForce(): void {
    const without = this.#parts.issuers.all().find(({ state }) => state.kind !== 'ready');
    if (without !== undefined)
      throw refusal(without.name, 'has no certificate in force: which key is its own is not known');
  }

  /** @returns what tells of a key, by its hex SHA-256, whether it is of an issuer. */
  async #inUse(options: Waits): Promise<(keyId: string) => boolean> {
    const { ledger, settled, given } = this.#parts;
    const nowMs = settled.nowMs();
    const known = await generationsAt(this.#parts, ledger.current(), nowMs, options);
    const ids = new Set([
      ...known.map(({ generation }) => generation.keyId),
      ...(await given()).map(({ spki }) => idOf(spki)),
      ...movedKeys(ledger.current(), nowMs),
    ]);
    return (keyId) => ids.has(keyId);
  }
}

/** Of certificates that operators moved and that may sign again. */
function movedKeys(ledger: IssuerLedger, nowMs: number): readonly string[] {
  return ledger.moves
    .filter(({ notAfterMs }) => nowMs < notAfterMs)
    .filter((move) => !['tainted', 'retired'].includes(standingOf(ledger, move, 'active').state))
    .map(({ keyId }) => keyId);
}

function rowOf({ label, id, spki, hasCertificate }: HeldKey, inUse: (keyId: string) => boolean): KeyRow {
  const keyId = spki && idOf(spki);
  const use = keyId !== undefined && inUse(keyId) ? 'issuer' : hasCertificate ? 'certified' : 'orphaned';
  return { label, id, use, ...(keyId !== undefined && { key: keyId.slice(0, 16) }) };
}

function idOf(spki: Uint8Array): string {
  return createHash('sha256').update(spki).digest('hex');
}

function refusal(issuer: string, problem: string): AuthorityError {
  return new AuthorityError('CAP-O03', { detail: `issuer ${issuer} ${problem}` });
}
