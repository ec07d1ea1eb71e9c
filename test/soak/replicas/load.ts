// Workloads that ask replicas for certificates without end, each on a connection of its own, and what came of it.
import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type { ServerFiles } from '../../app/support/server-files.ts';
import { buildCsr } from '../../support/certificates.ts';
import type { Replica } from './replica.ts';

export interface LoadSettings {
  /** Whose workloads ask; each namespace asks every replica. */
  readonly namespaces: readonly string[];
  /** Workloads for each namespace and replica. */
  readonly each: number;
  /** Between two calls of one workload. */
  readonly pauseMs: number;
}

export class Load {
  /** Serials as the journal writes them. */
  readonly delivered: string[] = [];
  /** By status and reason. */
  readonly outcomes: Record<string, number> = {};
  slowestMs = 0;
  #ending = false;
  readonly #workloads: Promise<unknown>;

  private constructor(files: ServerFiles, replicas: readonly Replica[], settings: LoadSettings, csr: string) {
    const workloads = settings.namespaces.flatMap((namespace) =>
      replicas.flatMap((replica, at) =>
        Array.from({ length: settings.each }, async (_, index) => {
          const token = await files.mint.tokenIn(namespace, `at-${at}-${index}`);
          await this.#live(replica, { csr, headers: { authorization: `Bearer ${token}` } }, settings.pauseMs);
        }),
      ),
    );
    this.#workloads = Promise.all(workloads);
    this.#workloads.catch(() => undefined);
  }

  static async begin(files: ServerFiles, replicas: readonly Replica[], settings: LoadSettings): Promise<Load> {
    return new Load(files, replicas, settings, (await buildCsr()).pem);
  }

  /** Resolves when every call is answered. */
  async end(): Promise<void> {
    this.#ending = true;
    await this.#workloads;
  }

  async #live(
    replica: Replica,
    call: { readonly csr: string; readonly headers: Readonly<Record<string, string>> },
    pauseMs: number,
  ): Promise<void> {
    using client = replica.client();
    while (!this.#ending) {
      const startedMs = performance.now();
      const { code, details, response } = await client.call(call);
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startedMs);
      const reason = /^CAP-\w+/.exec(details)?.[0];
      const outcome = [status[code], ...(code === status.OK ? [] : [reason ?? details])].join(' ');
      this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
      if (code === status.OK) this.delivered.push(serialOf(response?.certChain[0] ?? ''));
      await sleep(pauseMs);
    }
  }
}

/** @returns as the journal writes it: lower-case hex without leading zeros. */
export function serialOf(pem: string): string {
  return new X509Certificate(pem).serialNumber.toLowerCase().replace(/^0+/, '');
}
