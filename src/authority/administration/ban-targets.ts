// Whom an operator means, as a ban names them: a certificate is found by its serial in the journal, and a cluster by its id.
import { AuthorityError } from '../../domain/errors.ts';
import { OWN_CLUSTER, type BanTarget } from '../../domain/revocation/ban.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { RevokedLeaves } from '../../ports/storage/revoked-leaves.ts';

/** One of the four, as it was asked for. */
export type AskedTarget =
  | { readonly serial: string }
  | { readonly identity: string; readonly cluster?: string }
  | { readonly namespace: string; readonly cluster?: string }
  | { readonly node: string; readonly cluster?: string };

export interface BanTargetsParts {
  readonly leaves: Pick<RevokedLeaves, 'leafOf'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Ids of the clusters whose workloads are known besides the own one. */
  readonly remoteClusters: () => readonly string[];
}

export interface BanTargetsSettings {
  /** No leaf lives longer. */
  readonly longestLeafMs: number;
  /** Id of the server's own cluster. */
  readonly cluster: string;
}

/** Clusters in one line. */
const MAX_NAMED = 10;

export class BanTargets {
  readonly #parts: BanTargetsParts;
  readonly #settings: BanTargetsSettings;

  constructor(parts: BanTargetsParts, settings: BanTargetsSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** @throws AuthorityError CAP-O02 where no certificate of that serial lives, or no such cluster is known; CAP-S04 when that cannot be known. */
  async of(asked: AskedTarget, options: { readonly signal: AbortSignal }): Promise<BanTarget> {
    if ('serial' in asked) return this.#certificate(asked.serial, options);
    const cluster = this.#clusterOf(asked.cluster);
    // Nodes of two clusters may have one name.
    if ('node' in asked) return { kind: 'node', node: asked.node, cluster: cluster ?? OWN_CLUSTER };
    const where = cluster === undefined ? {} : { cluster };
    return 'identity' in asked
      ? { kind: 'identity', identity: asked.identity, ...where }
      : { kind: 'namespace', namespace: asked.namespace, ...where };
  }

  /** A ban in a cluster that nobody is of would be answered as if it concerned somebody. */
  #clusterOf(id: string | undefined): string | undefined {
    const { cluster: own } = this.#settings;
    if (id === undefined) return undefined;
    if (id === own) return OWN_CLUSTER;
    const others = this.#parts.remoteClusters();
    if (others.includes(id)) return id;
    const known = [own, ...others.slice(0, MAX_NAMED)].join(', ') + (others.length > MAX_NAMED ? ' and more' : '');
    const detail = `no cluster ${id} is known here; known are ${known} (the first is the server's own)`;
    throw new AuthorityError('CAP-O02', {
      detail: others.length === 0 ? `no cluster ${id} is known here, only the server's own, ${own}` : detail,
    });
  }

  async #certificate(serial: string, options: { readonly signal: AbortSignal }): Promise<BanTarget> {
    const nowMs = this.#parts.clock.nowMs();
    const window = { nowMs, sinceMs: nowMs - this.#settings.longestLeafMs };
    const leaf = await this.#parts.leaves.leafOf(serial, window, options);
    if (leaf !== undefined) return { kind: 'serial', serial, identity: leaf.identity, proofId: leaf.proofId };
    const detail = `no certificate of a workload with the serial ${serial} lives and is on record here; its identity can be revoked`;
    throw new AuthorityError('CAP-O02', { detail });
  }
}
