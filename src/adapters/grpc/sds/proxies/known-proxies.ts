// Which streams are one proxy: those of one workload that come over one connection or say the same node
// id. A node id is not authenticated, so it only ever separates streams of one workload.
import { Places } from '../../../../domain/bounded/places.ts';
import { KnownProxy, type ProxyStream, type Rejection } from './known-proxy.ts';

/** What decides which proxy a stream belongs to. */
export interface ProxyFacts {
  /** `workloadKey` of its caller. */
  readonly workload: string;
  readonly namespace: string;
  readonly nodeId: string;
  /** Differs from that of any other open connection; absent where connections cannot be distinguished. */
  readonly connection?: string;
}

/** A stream's place among those of its proxy. */
export interface Membership {
  readonly proxy: KnownProxy;
  /** Once, when the stream is over. */
  readonly leave: () => void;
}

export interface QuarantinedRejection extends Rejection {
  /** Whether the proxy has a stream open. */
  readonly connected: boolean;
}

interface Entry {
  readonly key: string;
  readonly workload: string;
  readonly namespace: string;
  readonly proxy: KnownProxy;
}

interface Connection {
  readonly entry: Entry;
  streams: number;
}

/** Proxies without a stream that are remembered for what they rejected; of one workload, one namespace, and of all. */
export const MAX_AWAY_OF_WORKLOAD = 16;
export const MAX_AWAY_OF_NAMESPACE = 2_500;
export const MAX_AWAY = 10_000;

export class KnownProxies {
  /** By workload and node id; those with a stream are bounded by the streams. */
  readonly #known = new Map<string, Entry>();
  readonly #connections = new Map<string, Connection>();
  /** Those of `#known` that have no stream, longest away first; in all, and by workload and namespace. */
  readonly #away = new Set<Entry>();
  readonly #awayOfWorkload = new Places<Entry>();
  readonly #awayOfNamespace = new Places<Entry>();

  get size(): number {
    return this.#known.size;
  }

  /** What is quarantined now, of proxies with a stream and of those that are remembered. */
  rejections(): readonly QuarantinedRejection[] {
    return [...this.#known.values()].flatMap(({ proxy }) => {
      const { connected } = proxy;
      return [...new Set(proxy.rejections)].map((rejection) => ({ ...rejection, connected }));
    });
  }

  join(facts: ProxyFacts, stream: ProxyStream): Membership {
    const connection = this.#connectionOf(facts);
    const entry = connection?.entry ?? this.#entryOf(facts);
    if (connection !== undefined) connection.streams += 1;
    this.#isBack(entry);
    entry.proxy.join(stream);
    return { proxy: entry.proxy, leave: () => this.#leave(entry, facts, stream) };
  }

  #leave(entry: Entry, facts: ProxyFacts, stream: ProxyStream): void {
    const { key, proxy } = entry;
    proxy.leave(stream);
    const place = placeKey(facts);
    const connection = place === undefined ? undefined : this.#connections.get(place);
    if (place !== undefined && connection !== undefined) {
      connection.streams -= 1;
      if (connection.streams === 0) this.#connections.delete(place);
    }
    if (proxy.forgettable) this.#known.delete(key);
    else if (!proxy.connected) this.#rememberAway(entry);
  }

  #entryOf({ workload, namespace, nodeId }: ProxyFacts): Entry {
    const key = JSON.stringify([workload, nodeId]);
    const entry = this.#known.get(key) ?? { key, workload, namespace, proxy: new KnownProxy() };
    this.#known.set(key, entry);
    return entry;
  }

  #connectionOf(facts: ProxyFacts): Connection | undefined {
    const place = placeKey(facts);
    if (place === undefined) return undefined;
    const connection = this.#connections.get(place) ?? { entry: this.#entryOf(facts), streams: 0 };
    this.#connections.set(place, connection);
    return connection;
  }

  #rememberAway(entry: Entry): void {
    const { workload, namespace } = entry;
    this.#away.add(entry);
    this.#awayOfWorkload.add(workload, entry);
    this.#awayOfNamespace.add(namespace, entry);
    if (this.#awayOfWorkload.heldBy(workload) > MAX_AWAY_OF_WORKLOAD) {
      this.#forget(this.#awayOfWorkload.oldestOf(workload));
    }
    if (this.#awayOfNamespace.heldBy(namespace) > MAX_AWAY_OF_NAMESPACE) {
      this.#forget(this.#awayOfNamespace.oldestOf(namespace));
    }
    if (this.#away.size > MAX_AWAY) this.#forget(this.#away.values().next().value);
  }

  #isBack(entry: Entry): void {
    if (!this.#away.delete(entry)) return;
    this.#awayOfWorkload.remove(entry.workload, entry);
    this.#awayOfNamespace.remove(entry.namespace, entry);
  }

  #forget(entry: Entry | undefined): void {
    if (entry === undefined) return;
    this.#isBack(entry);
    this.#known.delete(entry.key);
  }
}

/** One connection may carry the streams of several workloads, through a relay. */
function placeKey({ workload, connection }: ProxyFacts): string | undefined {
  return connection === undefined ? undefined : JSON.stringify([workload, connection]);
}
