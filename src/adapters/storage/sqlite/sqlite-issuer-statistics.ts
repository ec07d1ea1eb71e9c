// What the journal knows of issuers, of revoked certificates and of its chains, in a thread of its own: an operator's question must not hold up the reads of requests.
// The thread starts with the first question.
import type { Ban } from '../../../domain/revocation/ban.ts';
import type { RecordedLeaf } from '../../../domain/revocation/revoked-leaves.ts';
import type { AuditHeads, KeptHead } from '../../../ports/audit/audit-heads.ts';
import type { ChainState, ChainStates, StoredPoint } from '../../../ports/audit/chain-reader.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type {
  IssuerFigures,
  IssuerStatistics,
  LiveLeaves,
  StatisticsWindow,
} from '../../../ports/storage/issuer-statistics.ts';
import type { LeafWindow, RevokedLeaves, RevokedLeavesFound } from '../../../ports/storage/revoked-leaves.ts';
import { ReadThread } from './reading/read-thread.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export class SqliteIssuerStatistics
  implements IssuerStatistics, RevokedLeaves, ChainStates, Pick<AuditHeads, 'lastHeads'>, AsyncDisposable
{
  readonly #thread: ReadThread;

  /** @param file the journal's. */
  constructor(parts: { readonly clock: Clock }, file: string) {
    this.#thread = new ReadThread(parts, file);
  }

  async liveLeavesOf(id: string, window: StatisticsWindow, options: Waits): Promise<LiveLeaves> {
    return this.#thread.ask('leaves', { id, window }, options);
  }

  async figuresOf(name: string, window: StatisticsWindow, options: Waits): Promise<IssuerFigures> {
    return this.#thread.ask('figures', { name, window }, options);
  }

  async revokedBy(bans: readonly Ban[], window: LeafWindow, options: Waits): Promise<RevokedLeavesFound> {
    return this.#thread.ask('revoked', { bans, window }, options);
  }

  async leafOf(serial: string, window: LeafWindow, options: Waits): Promise<RecordedLeaf | undefined> {
    return this.#thread.ask('leafOf', { serial, window }, options);
  }

  async chains(options: Waits): Promise<readonly ChainState[]> {
    return this.#thread.ask('chains', undefined, options);
  }

  async pointOf(chain: string, sequence: number, options: Waits): Promise<StoredPoint | undefined> {
    return this.#thread.ask('chainPoint', { chain, sequence }, options);
  }

  async lastHeads(count: number, options: Waits): Promise<readonly KeptHead[]> {
    return this.#thread.ask('lastHeads', count, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
  }
}
