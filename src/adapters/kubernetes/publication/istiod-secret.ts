// The Secret `istiod-tls`, which istiod's chart mounts: its serving certificate, its key and the roots it verifies peers by
// (istio, pilot/pkg/bootstrap/server.go, initIstiodCerts). It is read by its name alone, so that the role needs no list of
// Secrets. Nothing of its data goes into a message.
import { createHash } from 'node:crypto';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { CertificatePlace, PlacedCertificate } from '../../../ports/issuing/certificate-place.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { SECRET } from '../api/kinds.ts';
import { AskedWait } from '../api/asked-wait.ts';
import { KubernetesApiError, type CallOptions, type KubernetesApi } from '../api/kubernetes-api.ts';
import { Contest } from './contest.ts';
import { cutTo, labelsOf, otherWriterOf, type Mark } from './published-object.ts';

export interface IstiodSecretParts {
  readonly api: Pick<KubernetesApi, 'get' | 'apply'>;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
}

export interface IstiodSecretSettings {
  readonly namespace: string;
  readonly name: string;
  readonly mark: Mark;
}

/** Kubernetes, Secret types: `tls.crt` and `tls.key` are demanded. A Secret's type never changes. */
const TYPE = 'kubernetes.io/tls';
const CERTIFICATE = 'tls.crt';
const KEY = 'tls.key';
const ANCHORS = 'ca.crt';
/** What is kept of the Secret between two looks: its version and who wrote it; no data. */
const cut = cutTo(['data', CERTIFICATE], () => '');

export class IstiodSecret implements CertificatePlace {
  readonly #parts: IstiodSecretParts;
  readonly #settings: IstiodSecretSettings;
  readonly #contest = new Contest();
  readonly #asked: AskedWait;
  #seen: { readonly version: string; readonly type: string } | undefined;
  /** Digest of the data of our last write. */
  #wrote: string | undefined;

  constructor(parts: IstiodSecretParts, settings: IstiodSecretSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#asked = new AskedWait(parts.clock);
  }

  async read(options: CallOptions): Promise<PlacedCertificate | undefined> {
    const { namespace, name } = this.#settings;
    const secret = await this.#ask('read', options, async () =>
      this.#parts.api.get(SECRET, { namespace, name }, options),
    );
    this.#note(secret);
    if (secret === undefined) return undefined;
    const data = (secret['data'] ?? {}) as Readonly<Record<string, string>>;
    const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
    const [certificateChainPem, privateKeyPem] = [text(CERTIFICATE), text(KEY)];
    if (certificateChainPem === '' || privateKeyPem === '') return undefined;
    return { certificateChainPem, privateKeyPem, anchorsPem: text(ANCHORS) };
  }

  async write(
    { certificateChainPem, privateKeyPem, anchorsPem }: PlacedCertificate,
    options: CallOptions,
  ): Promise<void> {
    const { namespace, name, mark } = this.#settings;
    if (this.#contest.stopsUntil(this.#parts.clock.monotonicMs()) !== undefined) {
      throw new Error(
        `${this.#contest.by ?? 'another'} writes Secret ${namespace}/${name} too: let one of them do it ` +
          '(delete the Certificate of istio-csr, or unset cluster.kubernetes.publish.istiodTls.namespace)',
      );
    }
    const version = this.#seen?.version;
    const metadata = {
      namespace,
      name,
      labels: labelsOf(mark),
      ...(version !== undefined && { resourceVersion: version }),
    };
    const { apiVersion, kind } = SECRET;
    const data = { [CERTIFICATE]: certificateChainPem, [KEY]: privateKeyPem, [ANCHORS]: anchorsPem };
    const encoded = Object.fromEntries(
      Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
    );
    const secret = { apiVersion, kind, metadata, type: this.#seen?.type ?? TYPE, data: encoded };
    const written = await this.#ask('written', options, async () =>
      this.#parts.api.apply(SECRET, secret, { ...options, force: true }),
    );
    this.#wrote = digestOf(written);
  }

  /** Another state than the one we left is another's doing. */
  #note(secret: KubernetesObject | undefined): void {
    if (this.#wrote !== undefined && digestOf(secret) !== this.#wrote) {
      const nowMs = this.#parts.clock.monotonicMs();
      const by = secret === undefined ? 'somebody who deletes it' : (otherWriterOf(cut(secret)) ?? 'somebody');
      this.#contest.changed(by, { isRival: false, nowMs });
      this.#wrote = undefined;
    }
    this.#seen = secret && {
      version: secret.metadata.resourceVersion,
      type: (secret['type'] as string | undefined) ?? TYPE,
    };
  }

  /** @throws Error that says what could not be done with which Secret, and why. */
  async #ask<T>(what: string, options: CallOptions, work: () => Promise<T>): Promise<T> {
    const { namespace, name } = this.#settings;
    await this.#asked.over(options);
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof KubernetesApiError)) throw error;
      this.#asked.heed(error);
      const why = error.status === 409 ? 'it was written by another meanwhile' : error.message;
      throw new Error(`Secret ${namespace}/${name} could not be ${what}: ${why}`, { cause: error });
    }
  }
}

function digestOf(secret: KubernetesObject | undefined): string {
  return createHash('sha256')
    .update(JSON.stringify(Object.entries(secret?.['data'] ?? {}).sort()))
    .digest('hex');
}
